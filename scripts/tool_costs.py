"""What each tool says that a network costs: shared by vgg_costs.py and preset_costs.py.

The module `thop` is two packages: the last argument of the script is the folder of ultralytics-thop.
"""

import importlib
import io
import logging
import sys
import warnings

import calflops
import ptflops
import thop
import torch
import torchinfo
from fvcore.nn import ActivationCountAnalysis, FlopCountAnalysis
from torch.utils.flop_counter import FlopCounterMode

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

TOOLS = ["torchinfo", "fvcore", "fvcore-activations", "thop", "ultralytics-thop", "ptflops-aten",
         "ptflops-pytorch", "calflops", "torch", "xla"]


def import_ultralytics(folder):
    """The other package of the name `thop`."""
    first = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "thop"}
    sys.path.insert(0, folder)
    second = importlib.import_module("thop")
    sys.path.remove(folder)
    for name in [name for name in sys.modules if name.split(".")[0] == "thop"]:
        del sys.modules[name]
    sys.modules.update(first)
    assert second.__version__ == "2.2.3" and second is not thop
    return second


ultralytics = import_ultralytics(sys.argv[-1])


def ptflops_macs(network, x, backend):
    # The batch enters only through an input constructor.
    macs, _ = ptflops.get_model_complexity_info(
        network(), (1,), as_strings=False, print_per_layer_stat=False, verbose=False,
        input_constructor=lambda _: x, backend=backend, ost=io.StringIO())
    return macs


def calflops_flops(network, x):
    quiet = dict(print_results=False, print_detailed=False, output_as_string=False)
    return calflops.calculate_flops(network(), args=[x], kwargs={}, **quiet)[0]


def torch_flops(network, x):
    with FlopCounterMode(display=False) as counter:
        network()(x)
    return counter.get_total_flops()


class Network(torch.nn.Module):
    """A layer in a network. ptflops and calflops fail on networks without parameters; one beside the
    layer is counted by none of the tools."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.layer(x)


COSTS = {
    "torchinfo": lambda n, x: torchinfo.summary(n(), input_data=x, verbose=0, mode="eval").total_mult_adds,
    "fvcore": lambda n, x: FlopCountAnalysis(n(), x).total(),
    "fvcore-activations": lambda n, x: ActivationCountAnalysis(n(), x).total(),
    "thop": lambda n, x: thop.profile(n(), inputs=(x,), verbose=False)[0],
    "ultralytics-thop": lambda n, x: ultralytics.profile(n(), inputs=(x,), verbose=False)[0],
    "ptflops-aten": lambda n, x: ptflops_macs(n, x, "aten"),
    "ptflops-pytorch": lambda n, x: ptflops_macs(n, x, "pytorch"),
    "calflops": calflops_flops,
    "torch": torch_flops,
}


def tool_costs(network, x):
    """`network` makes the network anew; a tool that fails gets an empty cell."""
    costs = {}
    for tool, cost in COSTS.items():
        try:
            value = cost(network, x)
            costs[tool] = "" if value is None else int(value)
        except Exception as error:  # each tool fails in its own way
            print(tool, type(error), error, file=sys.stderr)
            costs[tool] = ""
    return costs
