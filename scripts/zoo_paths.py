"""What crates/cost/tests/zoo calls the submodules of torchvision's networks, for zoo_costs.py.

Each function takes the segments of PyTorch's path and gives those of the Rust side, or None for a
module that it does not have: a `Sequential` in a block, and what does nothing in inference.
"""

CONV_NORM = {"0": "conv", "1": "norm", "2": "activation"}


def convolution(name, rest):
    """The parts of a `Conv2dNormActivation`."""
    return [name, *(CONV_NORM[part] for part in rest)]


def resnet50(path):
    match path:
        case ["layer1" | "layer2" | "layer3" | "layer4"]:
            return None
        case [layer, block, "downsample", part]:
            return [layer, block, "downsample", CONV_NORM[part]]
    return path


def mobilenet_v2(path):
    match path:
        case ["features"] | ["features", _, "conv"] | ["classifier"] | ["classifier", "0"]:
            return None
        case ["classifier", "1"]:
            return ["classifier"]
        case ["features", "0", *rest]:
            return convolution("stem", rest)
        case ["features", "18", *rest]:
            return convolution("head", rest)
        case ["features", index, "conv", part, *rest]:
            # Only the first block has no expansion.
            name = ["expand", "depthwise", "project", "norm"][int(part) + (index == "1")]
            return ["blocks", str(int(index) - 1), *convolution(name, rest)]
        case ["features", index]:
            return ["blocks", str(int(index) - 1)]
    return path


def efficientnet_b0(path):
    match path:
        case ["features"] | ["classifier"] | ["classifier", "0"]:
            return None
        case ["classifier", "1"]:
            return ["classifier"]
        case ["features", "0", *rest]:
            return convolution("stem", rest)
        case ["features", "8", *rest]:
            return convolution("head", rest)
        case ["features", stage]:
            return None
        case ["features", stage, index, "block"]:
            return None
        case ["features", stage, index, "block", part, *rest]:
            # Only the first block has no expansion.
            name = ["expand", "depthwise", "squeeze", "project"][int(part) + (stage == "1")]
            if name == "squeeze":
                path = [name, *rest]
            elif name == "project":
                path = {"0": ["project"], "1": ["norm"]}[rest[0]] if rest else None
            else:
                path = convolution(name, rest)
            return path and ["stages", str(int(stage) - 1), index, *path]
        case ["features", stage, index]:
            return ["stages", str(int(stage) - 1), index]
        case ["features", _, _, "stochastic_depth"]:
            return None
    return path


PATHS = {
    "resnet50": resnet50,
    "mobilenet_v2": mobilenet_v2,
    "efficientnet_b0": efficientnet_b0,
    "vit_b_16": lambda path: path,
    "detr": lambda path: path,
}
