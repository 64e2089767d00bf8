#!/usr/bin/env python3
"""Writes the ONNX files that the tests of `cost` read: python3 scripts/onnx_files.py

Needs the packages onnx and numpy. The weights of two of the files are said to lie beside them, in
a file that does not exist: nothing but their shapes is read.
"""

import pathlib

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent.parent / "crates/cost/tests/onnx"


class Graph:
    def __init__(self, name):
        self.name, self.nodes, self.weights = name, [], []

    def weight(self, name, *shape, inside=False):
        if inside:
            tensor = numpy_helper.from_array(numpy.zeros(shape, numpy.float32), name)
        else:
            tensor = TensorProto(name=name, dims=shape, data_type=TensorProto.FLOAT)
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="elsewhere.bin")
        self.weights.append(tensor)
        return name

    def integers(self, name, *values):
        self.weights.append(numpy_helper.from_array(numpy.array(values, numpy.int64), name))
        return name

    def scalar(self, name, value, dtype=numpy.float32):
        self.weights.append(numpy_helper.from_array(numpy.array(value, dtype), name))
        return name

    def add(self, operator, inputs, name, **attributes):
        """The operator `name`, and what it puts out."""
        output = f"{name}_output_0"
        self.nodes.append(helper.make_node(operator, inputs, [output], name, **attributes))
        return output

    def write(self, inputs, outputs, opset=17):
        inputs = [helper.make_tensor_value_info(*each) for each in inputs]
        outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self.nodes, self.name, inputs, outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 8
        path = FOLDER / f"{self.name}.onnx"
        path.write_bytes(model.SerializeToString())
        print(f"{path.name}: {path.stat().st_size} bytes")


def perceptron():
    g = Graph("perceptron")
    weights = [g.weight("fc1.weight", 16, 32, inside=True), g.weight("fc1.bias", 16, inside=True)]
    x = g.add("Gemm", ["x", *weights], "/fc1/Gemm", transB=1)
    x = g.add("Relu", [x], "/relu/Relu")
    weights = [g.weight("fc2.weight", 10, 16, inside=True), g.weight("fc2.bias", 10, inside=True)]
    x = g.add("Gemm", [x, *weights], "/fc2/Gemm", transB=1)
    x = g.add("Softmax", [x], "/Softmax", axis=1)
    g.write([("x", TensorProto.FLOAT, ["batch", 32])], [x])


def convolution(g, x, path, inputs, outputs, size, stride=1, groups=1, norm=True):
    scope = "/" + "/".join(".".join(path.split(".")[: i + 1]) for i in range(path.count(".") + 1))
    weights = [g.weight(f"{path}.weight", outputs, inputs // groups, size, size)]
    if not norm:
        weights.append(g.weight(f"{path}.bias", outputs))
    pad = size // 2
    x = g.add("Conv", [x, *weights], f"{scope}/Conv", kernel_shape=[size] * 2, group=groups,
              strides=[stride] * 2, pads=[pad] * 4, dilations=[1, 1])
    if norm:
        parts = [g.weight(f"{path}.bn.{part}", outputs)
                 for part in ("weight", "bias", "running_mean", "running_var")]
        x = g.add("BatchNormalization", [x, *parts], f"{scope}/BatchNormalization", epsilon=1e-5)
    return x


def network():
    """A stem, a residual block, a gated depthwise block, two branches and a classifier."""
    g = Graph("network")
    x = convolution(g, "images", "stem.conv", 3, 64, 7, stride=2)
    x = g.add("Relu", [x], "/stem/relu/Relu")
    x = g.add("MaxPool", [x], "/stem/pool/MaxPool", kernel_shape=[3, 3], strides=[2, 2],
              pads=[1, 1, 1, 1])
    y = convolution(g, x, "layer1.0.conv1", 64, 64, 3)
    y = g.add("Relu", [y], "/layer1/layer1.0/relu/Relu")
    y = convolution(g, y, "layer1.0.conv2", 64, 64, 3)
    x = g.add("Add", [y, x], "/layer1/layer1.0/Add")
    x = g.add("Relu", [x], "/layer1/layer1.0/relu_1/Relu")
    x = convolution(g, x, "gated.depthwise", 64, 64, 3, stride=2, groups=64)
    x = g.add("HardSwish", [x], "/gated/act/HardSwish")
    y = g.add("GlobalAveragePool", [x], "/gated/pool/GlobalAveragePool")
    y = convolution(g, y, "gated.gate", 64, 64, 1, norm=False)
    y = g.add("HardSigmoid", [y], "/gated/HardSigmoid", alpha=1 / 6, beta=0.5)
    x = g.add("Mul", [x, y], "/gated/Mul")
    low, high = g.scalar("low", 0.0), g.scalar("high", 6.0)
    a = g.add("Clip", [convolution(g, x, "branch.a", 64, 32, 1), low, high], "/branch/Clip")
    b = g.add("AveragePool", [x], "/branch/AveragePool", kernel_shape=[3, 3], strides=[1, 1],
              pads=[1, 1, 1, 1])
    x = g.add("Concat", [a, b], "/branch/Concat", axis=1)
    x = g.add("ReduceMean", [x], "/ReduceMean", axes=[2, 3], keepdims=1)
    x = g.add("Flatten", [x], "/Flatten", axis=1)
    weights = [g.weight("classifier.weight", 1000, 96), g.weight("classifier.bias", 1000)]
    x = g.add("Gemm", [x, *weights], "/classifier/Gemm", transB=1)
    g.write([("images", TensorProto.FLOAT, ["batch", 3, "height", "width"])], [x])


def transformer(words=1000, width=64, heads=4):
    """Embeddings, an attention and a multilayer perceptron, its shapes computed as it runs."""
    g = Graph("transformer")
    x = g.add("Gather", [g.weight("words.weight", words, width), "tokens"], "/words/Gather")
    shape = g.add("Shape", ["tokens"], "/Shape")
    sides = [g.add("Gather", [shape, g.scalar(f"side{i}", i, numpy.int64)], f"/Gather_{i}", axis=0)
             for i in (0, 1)]
    front = g.integers("front", 0)
    sides = [g.add("Unsqueeze", [side, front], f"/Unsqueeze_{i}") for i, side in enumerate(sides)]
    split = g.add("Concat", [*sides, g.integers("heads", heads, width // heads)], "/Concat", axis=0)
    joined = g.add("Concat", [*sides, g.integers("width", width)], "/Concat_1", axis=0)

    def linear(x, path, inputs, outputs):
        x = g.add("MatMul", [x, g.weight(f"{path}.weight", inputs, outputs)], f"/{path}/MatMul")
        return g.add("Add", [g.weight(f"{path}.bias", outputs), x], f"/{path}/Add")

    def norm(x, path):
        weights = [g.weight(f"{path}.weight", width), g.weight(f"{path}.bias", width)]
        return g.add("LayerNormalization", [x, *weights], f"/{path}/LayerNormalization", axis=-1)

    y = norm(x, "norm1")
    q, k, v = (g.add("Reshape", [linear(y, part, width, width), split], f"/{part}/Reshape")
               for part in ("query", "key", "value"))
    q = g.add("Transpose", [q], "/query/Transpose", perm=[0, 2, 1, 3])
    k = g.add("Transpose", [k], "/key/Transpose", perm=[0, 2, 3, 1])
    v = g.add("Transpose", [v], "/value/Transpose", perm=[0, 2, 1, 3])
    y = g.add("MatMul", [q, k], "/MatMul")
    y = g.add("Div", [y, g.scalar("scale", (width // heads) ** 0.5)], "/Div")
    y = g.add("Softmax", [y], "/Softmax", axis=-1)
    y = g.add("MatMul", [y, v], "/MatMul_1")
    y = g.add("Transpose", [y], "/Transpose", perm=[0, 2, 1, 3])
    y = g.add("Reshape", [y, joined], "/Reshape")
    x = g.add("Add", [x, linear(y, "output", width, width)], "/Add")
    y = linear(norm(x, "norm2"), "mlp.0", width, 4 * width)
    half = g.add("Mul", [y, g.scalar("half", 0.5)], "/mlp/mlp.1/Mul")
    erf = g.add("Div", [y, g.scalar("root", 2 ** 0.5)], "/mlp/mlp.1/Div")
    erf = g.add("Add", [g.add("Erf", [erf], "/mlp/mlp.1/Erf"), g.scalar("one", 1.0)],
                "/mlp/mlp.1/Add")
    y = linear(g.add("Mul", [half, erf], "/mlp/mlp.1/Mul_1"), "mlp.2", 4 * width, width)
    x = g.add("Add", [x, y], "/Add_1")
    g.write([("tokens", TensorProto.INT64, ["batch", "length"])], [x])


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    perceptron()
    network()
    transformer()
