"""What other tools say that torchvision's VGGs cost: writes examples/tests/vgg_costs.csv.

Install: torch torchvision torchinfo==1.8.0 fvcore==0.1.5.post20221221 thop==0.1.1.post2209072238
ptflops==0.7.5 calflops==0.3.2 transformers accelerate. Runs on a CPU in a few minutes.
"""

import contextlib
import csv
import io
import logging
import pathlib
import warnings

import calflops
import ptflops
import thop
import torch
import torchinfo
import torchvision
from fvcore.nn import ActivationCountAnalysis, FlopCountAnalysis
from torch.utils.flop_counter import FlopCounterMode

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

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


def ptflops_macs(name, images, backend):
    # The batch enters only through an input constructor.
    macs, _ = ptflops.get_model_complexity_info(
        network(name).eval(), (1,), as_strings=False, print_per_layer_stat=False, verbose=False,
        input_constructor=lambda _: images, backend=backend, ost=io.StringIO())
    return macs


def torch_flops(name, images, backward, frozen=False):
    model = network(name).train(backward)
    if frozen:
        model.features.requires_grad_(False)
    with FlopCounterMode(display=False) as counter:
        output = model(images)
        if backward:
            output.sum().backward()
    return counter.get_total_flops()


def costs(name, shape):
    images = torch.zeros(shape)
    model = network(name).eval()
    quiet = dict(print_results=False, print_detailed=False, output_as_string=False)
    flops, macs, parameters = calflops.calculate_flops(model, args=[images], kwargs={}, **quiet)
    return {
        "network": name.replace("_", "-"),
        "input": "x".join(map(str, shape)),
        "parameters": parameters,
        "macs": macs,
        "torchinfo": torchinfo.summary(model, input_data=images, verbose=0, mode="eval").total_mult_adds,
        "fvcore": FlopCountAnalysis(model, images).total(),
        "fvcore-activations": ActivationCountAnalysis(model, images).total(),
        "thop": thop.profile(network(name).eval(), inputs=(images,), verbose=False)[0],
        "ptflops-aten": ptflops_macs(name, images, "aten"),
        "ptflops-pytorch": ptflops_macs(name, images, "pytorch"),
        "calflops": flops,
        "torch": torch_flops(name, images, backward=False),
        "torch training": torch_flops(name, images, backward=True),
        "torch training (features frozen)": torch_flops(name, images, backward=True, frozen=True),
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
