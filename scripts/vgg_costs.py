"""What other tools say that torchvision's VGGs cost: writes examples/tests/vgg_costs.csv.

Install and run as preset_costs.py. Takes a few minutes on a CPU.
"""

import contextlib
import csv
import io
import pathlib

import flax.linen as fnn
import torch
import torchvision
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.vgg import cfgs

from flax_layers import Bias, adaptive, flops_of_layers
from tool_costs import TOOLS, tool_costs

NAMES = [f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")]
CASES = [(name, (1, 3, 224, 224)) for name in NAMES]
for name in ("vgg11", "vgg11_bn", "vgg16_bn"):
    for shape in ((2, 3, 224, 224), (4, 3, 224, 224), (1, 3, 160, 192), (1, 3, 32, 32), (3, 3, 96, 64)):
        CASES.append((name, shape))
# Sizes where thop's own rounding shows, and odd ones.
CASES += [("vgg11_bn", (1, 3, 256, 256)), ("vgg11_bn", (1, 3, 96, 64))]
CASES += [("vgg11_bn", (2, 3, 229, 251)), ("vgg11", (1, 3, 101, 77))]


def network(name):
    return torchvision.models.get_model(name, init_weights=False)


def flax_vgg(name):
    """The layers of torchvision's VGG in flax."""
    letter = {"vgg11": "A", "vgg13": "B", "vgg16": "D", "vgg19": "E"}[name.split("_")[0]]
    norms = [fnn.BatchNorm(use_running_average=True)] if name.endswith("bn") else []
    for width in cfgs[letter]:
        if width == "M":
            yield lambda x: fnn.max_pool(x, (2, 2), (2, 2))
        else:
            # Apart, as each figure is a 32-bit float.
            yield from (fnn.Conv(width, (3, 3), padding=1, use_bias=False), Bias(), *norms, fnn.relu)
    yield lambda x: adaptive(x, (7, 7)).reshape(x.shape[0], -1)
    yield from (fnn.Dense(4096), fnn.relu, fnn.Dense(4096), fnn.relu, fnn.Dense(1000))


def trained_flops(name, images, frozen=False):
    model = network(name).train()
    if frozen:
        model.features.requires_grad_(False)
    with FlopCounterMode(display=False) as counter:
        model(images).sum().backward()
    return counter.get_total_flops()


def costs(name, shape):
    images = torch.zeros(shape)
    tools = tool_costs(lambda: network(name).eval(), images)
    tools["xla"] = flops_of_layers(flax_vgg(name), (shape[0], *shape[2:], shape[1]))
    parameters = sum(parameter.numel() for parameter in network(name).parameters())
    return {
        "network": name.replace("_", "-"),
        "input": "x".join(map(str, shape)),
        "parameters": parameters,
        "macs": tools["torch"] // 2,
        **{tool: tools[tool] for tool in TOOLS},
        "torch training": trained_flops(name, images),
        "torch training (features frozen)": trained_flops(name, images, frozen=True),
    }


def main():
    path = pathlib.Path(__file__).parent.parent / "examples" / "tests" / "vgg_costs.csv"
    with open(path, "w", newline="") as file:
        writer = None
        for name, shape in CASES:
            with contextlib.redirect_stdout(io.StringIO()):
                row = costs(name, shape)
            row = {key: value if isinstance(value, str) else int(value) for key, value in row.items()}
            writer = writer or csv.DictWriter(file, row, lineterminator="\n")
            if file.tell() == 0:
                writer.writeheader()
            writer.writerow(row)
            print(name, shape, flush=True)


if __name__ == "__main__":
    main()
