#!/usr/bin/env python3
"""ResNet-18 in ONNX Runtime, for `--example resnet18 -- --peer 'python3 scripts/resnet18_peer.py'`.

    pip install onnx onnxruntime

Called with THREADS BATCH SIDE. Computes the network once for each line of its input and answers with the
milliseconds that it took. Weights are random; batch norms are folded, as ONNX Runtime does it by itself.
"""
import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """Nodes and weights, each named by its number."""

    def __init__(self):
        self.nodes, self.weights = [], []
        self.random = np.random.default_rng(0)

    def node(self, kind, inputs, **attributes):
        output = f"{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def weight(self, *shape, scale):
        values = (self.random.standard_normal(shape) * scale).astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, f"weight{len(self.weights)}"))
        return self.weights[-1].name

    def conv(self, map, inputs, outputs, kernel, stride):
        weight = self.weight(outputs, inputs, kernel, kernel, scale=(2 / (outputs * kernel * kernel)) ** 0.5)
        bias = self.weight(outputs, scale=0)
        pads = [kernel // 2] * 4
        return self.node("Conv", [map, weight, bias], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=pads)

    def block(self, map, inputs, outputs, stride):
        first = self.node("Relu", [self.conv(map, inputs, outputs, 3, stride)])
        second = self.conv(first, outputs, outputs, 3, 1)
        if inputs != outputs or stride != 1:
            map = self.conv(map, inputs, outputs, 1, stride)
        return self.node("Relu", [self.node("Add", [second, map])])


def network(batch, side):
    graph = Graph()
    map = graph.node("Relu", [graph.conv("images", 3, 64, 7, 2)])
    map = graph.node("MaxPool", [map], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    inputs = 64
    for stage in range(4):
        outputs = 64 << stage
        map = graph.block(map, inputs, outputs, 1 if stage == 0 else 2)
        map = graph.block(map, outputs, outputs, 1)
        inputs = outputs
    map = graph.node("Flatten", [graph.node("GlobalAveragePool", [map])])
    logits = graph.node("Gemm", [map, graph.weight(512, 1000, scale=0.02), graph.weight(1000, scale=0)])
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, side, side])
    output = helper.make_tensor_value_info(logits, TensorProto.FLOAT, [batch, 1000])
    built = helper.make_graph(graph.nodes, "resnet18", [images], [output], graph.weights)
    model = helper.make_model(built, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def main():
    threads, batch, side = map(int, sys.argv[-3:])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(network(batch, side), options, ["CPUExecutionProvider"])
    images = {"images": np.random.default_rng(1).standard_normal((batch, 3, side, side), dtype=np.float32)}
    session.run(None, images)
    for _ in sys.stdin:
        start = time.perf_counter()
        session.run(None, images)
        print((time.perf_counter() - start) * 1e3, flush=True)


if __name__ == "__main__":
    main()
