#!/usr/bin/env python3
"""Writes the shipped images of some of Fashion-MNIST's classes as a folder of PNG files, as `finetune` and
`train --data` take it: FOLDER/train/CLASS/NUMBER.png and FOLDER/test/CLASS/NUMBER.png.

    python3 scripts/fashion_folder.py FOLDER pullover dress coat
"""
import gzip
import pathlib
import struct
import sys
import zlib

CLASSES = ["t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot"]
SOURCE = pathlib.Path(__file__).parent.parent / "crates/vgg/data/fashion-mnist"


def png(pixels, side=28):
    """A grey picture of `side` rows."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + pixels[side * row : side * (row + 1)] for row in range(side))
    header = chunk(b"IHDR", struct.pack(">2I5B", side, side, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


if len(sys.argv) < 4 or not set(sys.argv[2:]) <= set(CLASSES):
    sys.exit(f"{__doc__}\nClasses: {', '.join(CLASSES)}; at least two")
folder, wanted = pathlib.Path(sys.argv[1]), sys.argv[2:]
for part, name in [("train", "train"), ("t10k", "test")]:
    labels = gzip.decompress((SOURCE / f"{part}-labels-idx1-ubyte.gz").read_bytes())[8:]
    images = gzip.decompress((SOURCE / f"{part}-images-idx3-ubyte.gz").read_bytes())[16:]
    for index, label in enumerate(labels):
        if CLASSES[label] in wanted:
            path = folder / name / CLASSES[label] / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(images[784 * index : 784 * (index + 1)]))
