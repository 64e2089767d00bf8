#!/usr/bin/env python3
"""Makes crates/vgg/tests/golden/images: pictures of ten kinds, and what torchvision makes of them.

    pip install torch torchvision numpy pillow      # torchvision 0.29, Pillow 13 made the files
    python3 scripts/preprocessing.py crates/vgg/tests/golden/images

NAME.png or NAME.jpg is the picture; NAME.expected.png the short side scaled to 64 pixels
(bilinear, antialiased) and the middle 56x56 of that. Further files are broken or unusual ones.
"""
import pathlib
import sys

import numpy as np
from PIL import Image, ImageOps
from torchvision.transforms import InterpolationMode, functional

SHORT, FRAME = 64, 56


def scene(width, height, channels=3):
    """Waves, an edge and a fine pattern that aliases when it is scaled carelessly."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = []
    for channel in range(channels):
        value = 127 + 80 * np.sin(x / (9 + 4 * channel)) * np.cos(y / (13 - 2 * channel))
        value += np.where(x * height > y * width, 45, -45)
        value += np.where((x % 2 == channel % 2) & (y < height / 3), 30, 0)
        planes.append(value.clip(0, 255))
    return np.stack(planes, -1).astype(np.uint8)


def expected(picture):
    scaled = functional.resize(picture, SHORT, InterpolationMode.BILINEAR, antialias=True)
    return functional.center_crop(scaled, FRAME)


def main(folder):
    folder.mkdir(exist_ok=True)
    rgb = lambda w, h: Image.fromarray(scene(w, h))
    grey = lambda w, h: Image.fromarray(scene(w, h, 1)[..., 0])

    def save(name, picture, seen=None, **options):
        picture.save(folder / name, **options)
        if seen is None:
            seen = Image.open(folder / name).convert("RGB")
        expected(seen).save(folder / f"{name.split('.')[0]}.expected.png")

    save("landscape.png", rgb(320, 213))
    save("portrait.png", rgb(133, 200))
    save("square.png", rgb(64, 64))
    save("small.png", rgb(40, 30))
    save("strip.png", rgb(500, 61))
    save("grey.png", grey(151, 100))
    save("palette.png", rgb(120, 90).quantize(64))
    alpha = scene(100, 131, 4)
    white = Image.new("RGBA", (100, 131), "white")
    save("alpha.png", Image.fromarray(alpha),
         Image.alpha_composite(white, Image.fromarray(alpha)).convert("RGB"))
    deep = scene(90, 127, 1)[..., 0].astype(np.uint16) * 257 // 2 + 77
    eight = ((deep.astype(np.uint32) + 128) // 257).astype(np.uint8)
    save("sixteen-bit.png", Image.fromarray(deep), Image.fromarray(eight).convert("RGB"))
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    rgb(180, 120).save(folder / "turned.jpg", exif=exif, quality=95, subsampling=0)
    turned = ImageOps.exif_transpose(Image.open(folder / "turned.jpg")).convert("RGB")
    expected(turned).save(folder / "turned.expected.png")

    # As cameras and the web store them: colours at half the size, in one scan and in several.
    for name, progressive in [("photograph", False), ("progressive", True)]:
        rgb(150, 113).save(folder / f"{name}.jpg", quality=85, subsampling="4:2:0", progressive=progressive)
        Image.open(folder / f"{name}.jpg").convert("RGB").save(folder / f"{name}.seen.png")

    rgb(80, 70).convert("CMYK").save(folder / "cmyk.jpg", quality=90)
    seen = Image.open(folder / "cmyk.jpg").convert("RGB")
    seen.save(folder / "cmyk.seen.png")
    frames = [grey(20, 20), grey(20, 20).rotate(90)]
    frames[0].save(folder / "animated.gif", save_all=True, append_images=frames[1:])
    (folder / "page.png").write_text("<!DOCTYPE html><html><body>404 Not Found</body></html>\n")


main(pathlib.Path(sys.argv[1]))
