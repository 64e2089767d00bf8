#!/usr/bin/env python3
"""Holds exported networks against ONNX Runtime: python3 scripts/check_onnx.py [--debug] [NETWORK …]

    python3 -m venv onnx-venv
    onnx-venv/bin/pip install numpy onnx onnxruntime pillow safetensors
    onnx-venv/bin/python scripts/check_onnx.py                  # all eight, and the shipped one
    onnx-venv/bin/python scripts/check_onnx.py vgg16 shipped    # these

Each network (vgg11, vgg11-bn, … vgg19-bn with weights from a formula, and shipped) is exported, checked by ONNX's own
checker with shape inference, and computed by ONNX Runtime for one and for three images. What is shown are the largest
differences from our own logits, relative to the largest logit; more than 1e-5 is an error. Then a photograph is
recognised by `infer` and, as the file's metadata says, in Python. Builds with --release, or with --debug without.
One network at a time needs 2 GB of disk and 4 GB of memory.
"""
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
from PIL import Image
from safetensors.numpy import load_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Networks, and the tests that export them.
NETWORKS = {
    "vgg11": "vgg11", "vgg11-bn": "vgg11_bn", "vgg13": "vgg13", "vgg13-bn": "vgg13_bn",
    "vgg16": "vgg16_at_two_sizes", "vgg16-bn": "vgg16_bn", "vgg19": "vgg19", "vgg19-bn": "vgg19_bn",
    "shipped": "shipped",
}
TOLERANCE = 1e-5
PICTURE = ROOT / "examples/pictures/chelsea.jpg"
# Decoders of JPEG round differently.
PICTURE_TOLERANCE = 1e-2


def cargo(*arguments, **environment):
    done = subprocess.run(
        ["cargo", *arguments], cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        sys.exit(f"cargo {' '.join(arguments)} failed:\n{done.stdout}")
    return done.stdout


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def check_graph(path):
    """ONNX's own checks, and the shapes that it infers."""
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    known = {value.name for value in [*inferred.graph.value_info, *inferred.graph.output]}
    without = [name for node in model.graph.node for name in node.output if name not in known]
    if without:
        sys.exit(f"{path}: no shapes are inferred for {without}")
    return model


def differences(path, answers):
    """For the first image alone and for all at once."""
    model, found = session(path), []
    images, expected = answers["images"], answers["logits"]
    for batch in [1, len(images)]:
        logits = model.run(["logits"], {"images": images[:batch]})[0]
        if not numpy.isfinite(logits).all():
            sys.exit(f"{path}: logits that are not finite")
        found.append(float(abs(logits - expected[:batch]).max() / abs(expected[:batch]).max()))
    return found


def check(name, folder, profile):
    test = NETWORKS[name]
    cargo(
        "test", *profile, "--workspace", "--test", "full_size", "--", "--ignored", "--exact", test, VGG_EXPORT=folder
    )
    path = f"{folder}/{name}.onnx"
    model = check_graph(path)
    found = differences(path, load_file(f"{folder}/{name}.answers.safetensors"))
    print(
        f"{name:9} {len(model.graph.node):3} operators {os.path.getsize(path) / 1e6:6.1f} MB   batch 1: {found[0]:.1e}"
        f"   batch 3: {found[1]:.1e}", flush=True,
    )
    return max(found) <= TOLERANCE


def prepared(preprocessing, picture):
    """A picture as the network takes it, for a network whose training images were cut out of photographs."""
    channels, height, width = preprocessing["shape"]
    short_side = preprocessing["fit"]["CentreCrop"]["short_side"]
    image = Image.open(picture).convert("RGB" if channels == 3 else "L")
    scale = short_side / min(image.size)
    image = image.resize([int(side * scale) for side in image.size], Image.BILINEAR)
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    image = image.crop((left, top, left + width, top + height))
    values = numpy.asarray(image, numpy.float32).reshape(height, width, channels) / 255
    if preprocessing["order"] == "Bgr":
        values = values[..., ::-1]
    normalization = preprocessing["normalization"]
    values = (values - numpy.float32(normalization["mean"])) / numpy.float32(normalization["deviation"])
    return values.transpose(2, 0, 1)[None]


def check_picture(folder, profile):
    """A network for photographs: what `infer` says of one, and ONNX Runtime with what the metadata says."""
    weights, path = f"{folder}/vgg11.safetensors", f"{folder}/photographs.onnx"
    infer = ["run", *profile, "--quiet", "--example", "infer", "--", "--model", "vgg11", "--weights", weights]
    said = json.loads(cargo(*infer, "--export", path, str(PICTURE), "--json", "--top", "1000"))
    model = session(path)
    metadata = model.get_modelmeta().custom_metadata_map
    classes, preprocessing = json.loads(metadata["vgg.classes"]), json.loads(metadata["vgg.preprocessing"])
    logits = model.run(["logits"], {"images": prepared(preprocessing, PICTURE)})[0][0].astype(numpy.float64)
    probabilities = numpy.exp(logits - logits.max())
    probabilities /= probabilities.sum()
    # Some classes of ImageNet's share a name.
    difference = collections.Counter()
    for guess in said["classes"]:
        difference[guess["class"]] += guess["probability"]
    for name, probability in zip(classes, probabilities, strict=True):
        difference[name] -= probability
    worst = max(map(abs, difference.values()))
    best = classes[int(logits.argmax())]
    print(f"photograph: {best} for both; probabilities differ by at most {worst:.1e}")
    return best == said["classes"][0]["class"] and worst <= PICTURE_TOLERANCE


def main(arguments):
    profile = [] if "--debug" in arguments else ["--release"]
    names = [name for name in arguments if name != "--debug"] or list(NETWORKS)
    if unknown := [name for name in names if name not in NETWORKS]:
        sys.exit(f"unknown: {', '.join(unknown)}\n\n{__doc__}")
    print(f"onnx {onnx.__version__}, ONNX Runtime {onnxruntime.__version__}", flush=True)
    agreed = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            agreed.append(check(name, folder, profile))
            if name == "vgg11":
                agreed.append(check_picture(folder, profile))
    if not all(agreed):
        sys.exit("there are differences that are too large")


main(sys.argv[1:])
