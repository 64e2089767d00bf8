#!/usr/bin/env python3
"""Other sides of `benches --bin load`: load_peer.py [--mmap | --onnx] FILE (.pth or .safetensors of vgg16).

PyTorch loads FILE; with --onnx ONNX Runtime loads the file of the same name that ends in .onnx.
"""
import pathlib
import sys
import time


def peak():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024


def onnx(path):
    import numpy as np
    import onnxruntime

    start = time.perf_counter()
    session = onnxruntime.InferenceSession(pathlib.Path(path).with_suffix(".onnx"))
    load, loaded = time.perf_counter() - start, peak()
    image = (np.arange(3 * 224 * 224) % 255 / 255).astype(np.float32).reshape(1, 3, 224, 224)
    (logits,) = session.run(None, {session.get_inputs()[0].name: image})
    print(load, loaded, peak(), logits[0, 0], flush=True)


path = sys.argv[-1]
if "--onnx" in sys.argv:
    onnx(path)
    sys.exit()

import torch  # noqa: E402
import torchvision  # noqa: E402

start = time.perf_counter()
if path.endswith(".safetensors"):
    from safetensors.torch import load_file

    state = load_file(path)
else:
    state = torch.load(path, mmap="--mmap" in sys.argv, weights_only=True)
network = torchvision.models.vgg16(weights=None, init_weights=False).eval()
network.load_state_dict(state)
del state
load = time.perf_counter() - start
loaded = peak()
image = (torch.arange(3 * 224 * 224) % 255 / 255).float().reshape(1, 3, 224, 224)
with torch.inference_mode():
    logits = network(image)
print(load, loaded, peak(), logits[0, 0].item(), flush=True)
