#!/usr/bin/env python3
"""Weight files between PyTorch and this project, in both directions.

    pip install torch torchvision numpy safetensors     # torch 2.15, torchvision 0.29; onnxscript for .onnx

    python3 scripts/weights.py small crates/vgg/tests/golden
        crates/vgg/tests/golden/files: a narrow network as PyTorch and timm would store it
    python3 scripts/weights.py full crates/vgg/tests/golden
        logits of all eight networks at full size, with weights from a formula
    python3 scripts/weights.py formula NETWORK FILE
        the formula's weights of a network (vgg16, vgg16_bn, …) as FILE (.pth, .safetensors or .onnx)
    python3 scripts/weights.py check NETWORK FILE
        loads a file that this project wrote and compares its logits with the formula's network

A weight is u·s or c + u·s, with u in [-1, 1) from a hash of its tensor's name and its index:
the same to the last bit wherever it is computed, so that no file has to be shipped.
"""
import pathlib
import sys

import numpy as np
import torch
import torchvision
from safetensors.torch import load_file, save_file

NETWORKS = ["vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"]


def uniform(name, count):
    """`count` numbers in [-1, 1), multiples of 2^-23."""
    seed = 2166136261
    for byte in name.encode():  # FNV-1a
        seed = (seed ^ byte) * 16777619 % 2**32
    out = np.empty(count, np.float32)
    for start in range(0, count, 1 << 22):
        x = np.arange(start, min(start + (1 << 22), count), dtype=np.uint32)
        x = x * np.uint32(2654435761) + np.uint32(seed)
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x7FEB352D)
        x ^= x >> np.uint32(15)
        out[start : start + len(x)] = (x >> np.uint32(8)).astype(np.float32) * np.float32(
            2.0**-23
        ) - np.float32(1)
    return out


def formula(name, shape):
    u = uniform(name, int(np.prod(shape)))
    if len(shape) > 1:  # Kaiming uniform
        u *= np.float32(np.sqrt(6.0 / np.prod(shape[1:])))
    elif name.endswith("running_var"):
        u = np.float32(1) + u * np.float32(0.5)
    elif name.endswith("weight"):  # of a norm
        u = np.float32(1) + u * np.float32(0.25)
    else:
        u *= np.float32(0.125)
    return torch.from_numpy(u.reshape(shape))


def formula_network(name):
    with torch.device("meta"):
        network = getattr(torchvision.models, name)(weights=None, init_weights=False)
    state = {
        key: torch.zeros((), dtype=torch.int64)
        if key.endswith("num_batches_tracked")
        else formula(key, tuple(value.shape))
        for key, value in network.state_dict().items()
    }
    network.load_state_dict(state, assign=True)
    return network.eval()


def logits(network, height, width):
    image = torch.from_numpy(uniform("image", 3 * height * width).reshape(1, 3, height, width))
    with torch.no_grad():
        return network(image)[0]


def full(folder):
    out = {}
    for name in NETWORKS:
        network = formula_network(name)
        out[name] = logits(network, 224, 224)
        if name == "vgg16":
            out["vgg16.320x256"] = logits(network, 320, 256)
        print(name, out[name].abs().max().item(), flush=True)
    save_file(out, folder / "full-size.safetensors")


def timm(weights):
    """torchvision's names and shapes turned into timm's."""
    names = {"classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2",
             "classifier.6": "head.fc"}
    out = {}
    for key, value in weights.items():
        module, leaf = key.rsplit(".", 1)
        if module == "classifier.0" and leaf == "weight":
            value = value.reshape(value.shape[0], -1, 7, 7)
        if module == "classifier.3" and leaf == "weight":
            value = value.reshape(*value.shape, 1, 1)
        out[f"{names.get(module, module)}.{leaf}"] = value.contiguous()
    return out


def small(folder):
    weights = load_file(folder / "vgg16-bn-imagenet.safetensors")
    out = folder / "files"
    out.mkdir(exist_ok=True)
    tracked = {
        key.replace("running_mean", "num_batches_tracked"): torch.tensor(7)
        for key in weights
        if key.endswith("running_mean")
    }
    state = weights | tracked
    torch.save(state, out / "zip.pth")
    torch.save(state, out / "legacy.pth", _use_new_zipfile_serialization=False)
    wrapped = {"module." + key: value for key, value in state.items()}
    torch.save({"epoch": 3, "state_dict": wrapped}, out / "checkpoint.pth")
    torch.save({k: v.bfloat16() for k, v in weights.items()}, out / "bf16.pth")
    save_file(state, out / "torchvision.safetensors")
    save_file({k: v.double() for k, v in weights.items()}, out / "f64.safetensors")
    save_file({k: v.half() for k, v in weights.items()}, out / "f16.safetensors")
    save_file(timm(state), out / "timm.safetensors")


def write_formula(name, path):
    network = formula_network(name)
    state = network.state_dict()
    if path.suffix == ".safetensors":
        save_file(state, path)
    elif path.suffix == ".onnx":
        image = torch.zeros(1, 3, 224, 224)
        torch.onnx.export(network.eval(), (image,), path, dynamo=True, external_data=False)
    else:
        torch.save(state, path)


def check(name, path):
    expected = logits(formula_network(name), 224, 224)
    network = getattr(torchvision.models, name)(weights=None, init_weights=False)
    network.load_state_dict(load_file(path))  # strict: every name and every shape
    found = logits(network.eval(), 224, 224)
    difference = ((found - expected).abs().max() / expected.abs().max()).item()
    print(f"{name}: largest difference of the logits, relative: {difference:.2e}")
    sys.exit(difference > 1e-5)


match sys.argv[1:]:
    case ["small", folder]:
        small(pathlib.Path(folder))
    case ["full", folder]:
        full(pathlib.Path(folder))
    case ["formula", name, path]:
        write_formula(name, pathlib.Path(path))
    case ["check", name, path]:
        check(name, pathlib.Path(path))
    case _:
        sys.exit(__doc__)
