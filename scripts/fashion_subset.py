#!/usr/bin/env python3
"""Makes the shipped part of Fashion-MNIST from the whole: the first 600 training and the first
100 test images of each class, in the official order.

    python3 scripts/fashion_subset.py FOLDER_WITH_THE_FOUR_FILES crates/vgg/data/fashion-mnist
"""
import gzip
import pathlib
import struct
import sys

source, target = map(pathlib.Path, sys.argv[1:])
for part, each in [("train", 600), ("t10k", 100)]:
    labels = gzip.decompress((source / f"{part}-labels-idx1-ubyte.gz").read_bytes())[8:]
    images = gzip.decompress((source / f"{part}-images-idx3-ubyte.gz").read_bytes())[16:]
    taken, chosen = [0] * 10, []
    for index, label in enumerate(labels):
        if taken[label] < each:
            taken[label] += 1
            chosen.append(index)
    files = {
        "images-idx3": struct.pack(">4I", 0x803, len(chosen), 28, 28)
        + b"".join(images[784 * i : 784 * (i + 1)] for i in chosen),
        "labels-idx1": struct.pack(">2I", 0x801, len(chosen)) + bytes(labels[i] for i in chosen),
    }
    for kind, contents in files.items():
        # mtime 0: the same input gives the same file
        (target / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(contents, 9, mtime=0))
