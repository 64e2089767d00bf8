#!/usr/bin/env python3
"""PyTorch's side of `benches --bin load`: load_peer.py [--mmap] FILE (.pth or .safetensors of vgg16)."""
import sys
import time

start = time.perf_counter()
import torch  # noqa: E402
import torchvision  # noqa: E402


def peak():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024


path = sys.argv[-1]
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
