"""What other tools say that the networks of crates/cost/tests/zoo cost, as a whole and module by module.

Writes costs.csv and rows.csv there. Install: torch torchvision torchinfo==1.8.0 fvcore==0.1.5.post20221221
thop==0.1.1.post2209072238 ptflops==0.7.5 calflops==0.3.2 transformers accelerate. Runs on a CPU in a few minutes.
"""

import collections
import contextlib
import csv
import io
import logging
import pathlib
import sys
import warnings

import calflops
import ptflops
import thop
import torch
import torchinfo
import torchvision
from fvcore.nn import ActivationCountAnalysis, FlopCountAnalysis
from torch import nn
from torch.nn.modules import module as hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count, flop_registry

import zoo_networks
from zoo_paths import PATHS

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

DIRECTORY = pathlib.Path(__file__).parent.parent / "crates" / "cost" / "tests" / "zoo"


def network(name):
    torch.manual_seed(0)
    return zoo_networks.NETWORKS[name][0]()


def inputs(shape):
    return torch.zeros(shape, dtype=torch.int64 if len(shape) == 2 else torch.float32)


def ptflops_macs(name, images, backend):
    # The batch enters only through an input constructor.
    macs, _ = ptflops.get_model_complexity_info(
        network(name).eval(), (1,), as_strings=False, print_per_layer_stat=False, verbose=False,
        input_constructor=lambda _: images, backend=backend, ost=io.StringIO())
    return macs


def convolution_backward(grad, x, weight, _bias, _stride, _padding, _dilation, transposed, _output_padding, _groups,
                         mask, out_shape=None, **_):
    """A gradient of the input and one of the weights, each as much as the forward pass, of any number of groups."""
    forward = conv_flop_count(list(x), list(weight), list(grad), transposed)
    return forward * (mask[0] + mask[1])


def torch_flops(name, images, backward):
    model = network(name).train(backward)
    # FlopCounterMode's own formula is wrong for more than one group.
    mine = {torch.ops.aten.convolution_backward: convolution_backward}
    with FlopCounterMode(display=False, custom_mapping=mine) as counter:
        outputs = model(images)
        if backward:
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            sum(output.sum() for output in outputs).backward()
    return counter.get_total_flops()


def costs(name, shape):
    images = inputs(shape)
    model = network(name).eval()
    quiet = dict(print_results=False, print_detailed=False, output_as_string=False)
    flops, macs, _ = calflops.calculate_flops(model, args=[images], kwargs={}, **quiet)
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "buffers": sum(buffer.numel() for buffer in model.buffers() if buffer.is_floating_point()),
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
    }


class Modules(TorchDispatchMode):
    """Counts what each module does itself, in no other module: multiply-accumulates and sums of tensors."""

    def __init__(self, model):
        super().__init__()
        self.modules = dict(model.named_modules())
        self.names = {module: name for name, module in self.modules.items()}
        self.running, self.handles = [], []
        self.calls, self.macs, self.additions = (collections.Counter() for _ in range(3))
        self.outputs = {}

    def __enter__(self):
        self.handles = [
            hooks.register_module_forward_pre_hook(self.begin),
            hooks.register_module_forward_hook(self.end),
        ]
        return super().__enter__()

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()
        return super().__exit__(*error)

    def begin(self, module, _):
        self.running.append(self.names[module])
        self.calls[self.running[-1]] += 1

    def end(self, _module, _inputs, output):
        first = output[0] if isinstance(output, tuple) else output
        # As a row of a report: that of the first call.
        self.outputs.setdefault(self.running.pop(), "x".join(map(str, first.shape)))

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        operation = function.overloadpacket
        if operation in flop_registry:
            self.macs[self.running[-1]] += flop_registry[operation](*args, **(kwargs or {}), out_val=result) // 2
        sums = operation in (torch.ops.aten.add, torch.ops.aten.add_) and result.is_floating_point()
        # A layer's own sums are its biases.
        if sums and any(self.modules[self.running[-1]].children()):
            self.additions[self.running[-1]] += result.numel()
        return result


# Modules that only hold others or do nothing in inference.
EMPTY = (nn.Sequential, nn.ModuleList, nn.Dropout, nn.Identity, torchvision.ops.StochasticDepth)


def rows(name, shape):
    model = network(name).eval()
    with Modules(model) as counted:
        model(inputs(shape))
    for path, module in model.named_modules():
        own = sum(parameter.numel() for parameter in module.parameters(recurse=False))
        segments = PATHS[name](path.split(".")) if path else []
        if isinstance(module, EMPTY) or segments is None:
            assert own == counted.macs[path] == counted.additions[path] == 0, (name, path)
            continue
        yield {
            "network": name,
            "path": ".".join(segments),
            "type": type(module).__name__,
            "calls": counted.calls[path],
            "parameters": own,
            "macs": counted.macs[path],
            "additions": counted.additions[path],
            "output": counted.outputs[path],
        }
    assert 2 * counted.macs.total() == torch_flops(name, inputs(shape), backward=False)


def write(file, lines):
    with open(DIRECTORY / file, "w", newline="") as file:
        writer = csv.DictWriter(file, lines[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def same_as_torchvision(name):
    """The attention that is written out here is the network that is known."""
    figures = []
    for model in (network(name), torchvision.models.get_model(name)):
        with FlopCounterMode(display=False) as counter:
            model(inputs(zoo_networks.IMAGE))
        figures.append((counter.get_total_flops(), sum(parameter.numel() for parameter in model.parameters())))
    assert figures[0] == figures[1], figures


def main():
    lines = []
    for name in sys.argv[1:] or zoo_networks.NETWORKS:
        shape = zoo_networks.NETWORKS[name][1]
        with contextlib.redirect_stdout(io.StringIO()):
            found = costs(name, shape)
        text = "x".join(map(str, shape))
        lines += [
            {"network": name, "input": text, "figure": figure, "value": int(value)} for figure, value in found.items()
        ]
        print(name, found, flush=True)
    same_as_torchvision("vit_b_16")
    write("costs.csv", lines)
    write("rows.csv", [row for name in PATHS for row in rows(name, zoo_networks.NETWORKS[name][1])])


if __name__ == "__main__":
    main()
