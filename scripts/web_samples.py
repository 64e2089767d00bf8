#!/usr/bin/env python3
"""Writes the pictures that the web page offers: two shipped test images of each class, as PNG.

    scripts/web_samples.py

Needs Pillow. The pictures are the pixels themselves, 28x28 and grey.
"""

import gzip
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "crates/vgg/data/fashion-mnist"
SAMPLES = ROOT / "examples/web/page/samples"
NAMES = [
    "t-shirt", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle-boot",
]
EACH = 2


def payload(name, header):
    return gzip.decompress((DATA / name).read_bytes())[header:]


def main():
    pixels = payload("t10k-images-idx3-ubyte.gz", 16)
    labels = payload("t10k-labels-idx1-ubyte.gz", 8)
    SAMPLES.mkdir(parents=True, exist_ok=True)
    for label, name in enumerate(NAMES):
        indices = [index for index, found in enumerate(labels) if found == label]
        for number, index in enumerate(indices[:EACH], 1):
            image = pixels[index * 784 : (index + 1) * 784]
            path = SAMPLES / f"{name}-{number}.png"
            Image.frombytes("L", (28, 28), image).save(path, optimize=True)


if __name__ == "__main__":
    main()
