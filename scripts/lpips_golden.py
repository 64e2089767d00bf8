#!/usr/bin/env python3
"""Makes crates/vgg/tests/golden/lpips.safetensors: what the package lpips computes.

    pip install torch torchvision safetensors lpips==0.1.4
    python3 scripts/lpips_golden.py crates/vgg/tests/golden/lpips.safetensors

The weights of VGG-16 come from a formula that tests/losses.rs computes too.
"""
import sys

import lpips
import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn


def uniform(seed, count):
    """Numbers in [-1, 1): a hash of their index, the same to the last bit everywhere."""
    x = (np.arange(count, dtype=np.uint64) + np.uint64(seed * 1000003)) % 2**32
    for factor, shift in [(2654435761, 15), (2246822519, 13)]:
        x = x * np.uint64(factor) % 2**32
        x ^= x >> np.uint64(shift)
    return torch.from_numpy(((x >> np.uint64(8)).astype(np.float64) / 2**23 - 1).astype(np.float32))


model = lpips.LPIPS(net="vgg", pnet_rand=True, verbose=False)
convolutions = [m for m in model.net.modules() if isinstance(m, nn.Conv2d)]
assert len(convolutions) == 13
with torch.no_grad():
    for index, conv in enumerate(convolutions):
        scale = (6 / (9 * conv.in_channels)) ** 0.5
        conv.weight.copy_(uniform(2 * index, conv.weight.numel()).reshape(conv.weight.shape) * scale)
        conv.bias.copy_(uniform(2 * index + 1, conv.bias.numel()) * 0.125)
shape = [2, 3, 32, 48]
count = 2 * 3 * 32 * 48
a = (uniform(100, count).reshape(shape) * 0.5 + 0.5).requires_grad_()
b = a.detach() + 0.1 * uniform(101, count).reshape(shape)
b[0, :, :, :24] = 0.5
value = model(a, b, normalize=True)
gradient = torch.autograd.grad(value.sum(), a)[0]
save_file(
    {"a": a.detach(), "b": b, "distance": value.detach().reshape(-1), "gradient": gradient},
    sys.argv[1],
)
print(value.reshape(-1))
