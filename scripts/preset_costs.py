"""What other tools say that single layers cost: writes crates/cost/tests/preset_costs.csv.

Install: torch torchvision torchinfo==1.8.0 fvcore==0.1.5.post20221221 thop==0.1.1.post2209072238
ptflops==0.7.5 calflops==0.3.2 transformers accelerate jax flax; and ultralytics-thop==2.2.3, whose
module is called thop too, with `pip install --no-deps --target FOLDER`. Run with FOLDER as argument.
Takes a minute on a CPU.

An empty cell: the tool fails on the layer, or it has no such layer. Differences that are known and
left are in NOT_IMITATED, and in the last column.
"""

import contextlib
import csv
import io
import pathlib

import flax.linen as fnn
import jax
import jax.numpy as jnp
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from flax_layers import adaptive, flops
from tool_costs import TOOLS, Network, tool_costs

PATH = pathlib.Path(__file__).parent.parent / "crates" / "cost" / "tests" / "preset_costs.csv"


class Function(nn.Module):
    """A function as a network without layers."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Deformable(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torchvision.ops.DeformConv2d(4, 8, 3, padding=1)

    def forward(self, x):
        return self.conv(x[:, :4], x[:, 4:])


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x)[0]


class Projections(nn.Module):
    """Attention of single layers."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.value, self.output = (nn.Linear(16, 16) for _ in range(4))
        self.softmax = nn.Softmax(-1)

    def forward(self, x):
        heads = lambda layer: layer(x).reshape(*x.shape[:2], 4, 4).transpose(1, 2)
        scores = torch.matmul(heads(self.query), heads(self.key).transpose(-1, -2)) / 2.0
        context = torch.matmul(self.softmax(scores), heads(self.value))
        return self.output(context.transpose(1, 2).reshape(x.shape))


class Scaled(nn.Module):
    """A bare parameter beside a layer."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(8, 1, 1))
        self.conv = nn.Conv2d(4, 8, 3, padding=1)

    def forward(self, x):
        return self.scale * self.conv(x)


class Tokens(nn.Module):
    """Bare parameters without a layer beside them, inside a network."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.ones(1, 5, 16))
        self.norm = nn.LayerNorm(16)

    def forward(self, x):
        return self.norm(x + self.table)


class Block(nn.Module):
    """One activation, called twice."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(4)
        self.relu = nn.ReLU()
        self.second = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(4)

    def forward(self, x):
        y = self.relu(self.first_norm(self.first(x)))
        return self.relu(self.second_norm(self.second(y)) + x)


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


class FlaxBlock(fnn.Module):
    @fnn.compact
    def __call__(self, x):
        conv = lambda: fnn.Conv(4, (3, 3), padding=1, use_bias=False)
        norm = lambda: fnn.BatchNorm(use_running_average=True)
        y = fnn.relu(norm()(conv()(x)))
        return fnn.relu(norm()(conv()(y)) + x)


class FlaxProjections(fnn.Module):
    @fnn.compact
    def __call__(self, x):
        heads = lambda x: fnn.Dense(16)(x).reshape(*x.shape[:2], 4, 4).swapaxes(1, 2)
        scores = heads(x) @ heads(x).swapaxes(-1, -2) / 2.0
        context = fnn.softmax(scores) @ heads(x)
        return fnn.Dense(16)(context.swapaxes(1, 2).reshape(x.shape))


class FlaxScaled(fnn.Module):
    @fnn.compact
    def __call__(self, x):
        scale = self.param("scale", fnn.initializers.ones, (8,))
        return scale * fnn.Conv(8, (3, 3), padding=1)(x)


class FlaxTokens(fnn.Module):
    @fnn.compact
    def __call__(self, x):
        return fnn.LayerNorm()(x + self.param("table", fnn.initializers.ones, (1, 5, 16)))


def padded(padding):
    return [(side, side) for side in padding]


def conv(features, kernel, padding, **options):
    return fnn.Conv(features, kernel, padding=padded(padding), **options)


def transposed(features, kernel, stride, padding, extra, bias=True):
    """PyTorch's padding cuts a transposed convolution's output, flax's pads the spread input."""
    pads = [(k - 1 - p, k - 1 - p + e) for k, p, e in zip(kernel, padding, extra)]
    return fnn.ConvTranspose(features, kernel, stride, padding=pads, use_bias=bias)


IMAGE, LINE, VOLUME = (4, 9, 7), (4, 10), (4, 5, 6, 7)
activation = lambda layer, function=None: (layer, function, (6, 5, 4))

# Name: PyTorch's layer, flax's or JAX's if there is one, the shape of one input. Images have their
# channels second in PyTorch and last in flax.
LAYERS = {
    "conv1d": (nn.Conv1d(4, 8, 3, padding=1), conv(8, (3,), (1,)), LINE),
    "conv1d-strided": (nn.Conv1d(4, 8, 5, stride=2, padding=2, bias=False),
                       conv(8, (5,), (2,), strides=(2,), use_bias=False), LINE),
    "conv2d": (nn.Conv2d(4, 8, 3, padding=1), conv(8, (3, 3), (1, 1)), IMAGE),
    "conv2d-no-bias": (nn.Conv2d(4, 8, 3, bias=False), conv(8, (3, 3), (0, 0), use_bias=False), IMAGE),
    "conv2d-strided": (nn.Conv2d(4, 8, (3, 5), stride=(2, 1), padding=(1, 2)),
                       conv(8, (3, 5), (1, 2), strides=(2, 1)), IMAGE),
    "conv2d-dilated": (nn.Conv2d(4, 8, 3, padding=3, dilation=2),
                       conv(8, (3, 3), (3, 3), kernel_dilation=(2, 2)), IMAGE),
    "conv2d-groups": (nn.Conv2d(4, 8, 3, padding=1, groups=2),
                      conv(8, (3, 3), (1, 1), feature_group_count=2), IMAGE),
    "conv2d-depthwise": (nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False),
                         conv(4, (3, 3), (1, 1), feature_group_count=4, use_bias=False), IMAGE),
    "conv3d": (nn.Conv3d(4, 8, 3, padding=1), conv(8, (3, 3, 3), (1, 1, 1)), VOLUME),
    "conv-transpose1d": (nn.ConvTranspose1d(4, 6, 3, stride=2, padding=1, output_padding=1),
                         transposed(6, (3,), (2,), (1,), (1,)), LINE),
    "conv-transpose2d": (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1),
                         transposed(6, (3, 3), (2, 2), (1, 1), (0, 0)), IMAGE),
    "conv-transpose2d-no-bias": (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, bias=False),
                                 transposed(6, (3, 3), (2, 2), (1, 1), (0, 0), bias=False), IMAGE),
    "conv-transpose2d-plain": (nn.ConvTranspose2d(4, 6, 3),
                               transposed(6, (3, 3), (1, 1), (0, 0), (0, 0)), IMAGE),
    "conv-transpose2d-groups": (nn.ConvTranspose2d(4, 6, 3, padding=1, groups=2), None, IMAGE),
    "conv-transpose3d": (nn.ConvTranspose3d(4, 6, 3, stride=2, padding=1),
                         transposed(6, (3, 3, 3), (2, 2, 2), (1, 1, 1), (0, 0, 0)), VOLUME),
    "deform-conv2d": (Deformable(), None, (22, 9, 7)),
    "linear": (nn.Linear(16, 32), fnn.Dense(32), (16,)),
    "linear-no-bias": (nn.Linear(16, 32, bias=False), fnn.Dense(32, use_bias=False), (16,)),
    "linear-sequence": (nn.Linear(16, 32), fnn.Dense(32), (5, 16)),
    "matmul": (Function(lambda x: torch.matmul(x, x.transpose(1, 2))),
               lambda x: x @ x.swapaxes(1, 2), (5, 16)),
    "batch-norm1d": (nn.BatchNorm1d(4), fnn.BatchNorm(use_running_average=True), LINE),
    "batch-norm2d": (nn.BatchNorm2d(4), fnn.BatchNorm(use_running_average=True), IMAGE),
    "batch-norm3d": (nn.BatchNorm3d(4), fnn.BatchNorm(use_running_average=True), VOLUME),
    "layer-norm": (nn.LayerNorm(16), fnn.LayerNorm(), (5, 16)),
    "layer-norm-no-bias": (nn.LayerNorm(16, bias=False), fnn.LayerNorm(use_bias=False), (5, 16)),
    "group-norm": (nn.GroupNorm(2, 4), fnn.GroupNorm(2), IMAGE),
    "group-norm-plain": (nn.GroupNorm(2, 4, affine=False),
                         fnn.GroupNorm(2, use_bias=False, use_scale=False), IMAGE),
    "instance-norm": (nn.InstanceNorm2d(4, affine=True), fnn.InstanceNorm(), IMAGE),
    "instance-norm-plain": (nn.InstanceNorm2d(4),
                            fnn.InstanceNorm(use_bias=False, use_scale=False), IMAGE),
    "rms-norm": (nn.RMSNorm(16), fnn.RMSNorm(), (5, 16)),
    "local-response-norm": (nn.LocalResponseNorm(3), None, IMAGE),
    "relu": activation(nn.ReLU(), fnn.relu),
    "relu6": activation(nn.ReLU6(), fnn.relu6),
    "leaky-relu": activation(nn.LeakyReLU(), fnn.leaky_relu),
    "prelu": activation(nn.PReLU(), fnn.PReLU()),
    "prelu-channels": activation(nn.PReLU(6)),
    "gelu": activation(nn.GELU(), lambda x: fnn.gelu(x, approximate=False)),
    "gelu-tanh": activation(nn.GELU("tanh"), fnn.gelu),
    "elu": activation(nn.ELU(), fnn.elu),
    "celu": activation(nn.CELU(), fnn.celu),
    "selu": activation(nn.SELU(), fnn.selu),
    "silu": activation(nn.SiLU(), fnn.silu),
    "mish": activation(nn.Mish(), jax.nn.mish),
    "sigmoid": activation(nn.Sigmoid(), fnn.sigmoid),
    "log-sigmoid": activation(nn.LogSigmoid(), fnn.log_sigmoid),
    "hard-sigmoid": activation(nn.Hardsigmoid(), fnn.hard_sigmoid),
    "hard-swish": activation(nn.Hardswish(), fnn.hard_swish),
    "hard-tanh": activation(nn.Hardtanh(), fnn.hard_tanh),
    "hard-shrink": activation(nn.Hardshrink()),
    "soft-shrink": activation(nn.Softshrink()),
    "softplus": activation(nn.Softplus(), fnn.softplus),
    "softsign": activation(nn.Softsign(), fnn.soft_sign),
    "tanh": activation(nn.Tanh(), fnn.tanh),
    "tanhshrink": activation(nn.Tanhshrink(), lambda x: x - jnp.tanh(x)),
    "threshold": activation(nn.Threshold(0.1, 0.0)),
    "glu": activation(nn.GLU(1), lambda x: fnn.glu(x, 1)),
    "softmax": activation(nn.Softmax(1), lambda x: fnn.softmax(x, 1)),
    "softmax-last": activation(nn.Softmax(-1), fnn.softmax),
    "log-softmax": activation(nn.LogSoftmax(-1), fnn.log_softmax),
    "softmin": activation(nn.Softmin(-1), lambda x: fnn.softmax(-x)),
    "max-pool1d": (nn.MaxPool1d(2), lambda x: fnn.max_pool(x, (2,), (2,)), LINE),
    "max-pool2d": (nn.MaxPool2d(3, 2, 1), lambda x: fnn.max_pool(x, (3, 3), (2, 2), padded((1, 1))), IMAGE),
    "avg-pool1d": (nn.AvgPool1d(2), lambda x: fnn.avg_pool(x, (2,), (2,)), LINE),
    "avg-pool2d": (nn.AvgPool2d(3, 2), lambda x: fnn.avg_pool(x, (3, 3), (2, 2)), IMAGE),
    "avg-pool2d-padded": (nn.AvgPool2d(3, 2, 1, count_include_pad=False), None, IMAGE),
    "adaptive-avg-pool1d": (nn.AdaptiveAvgPool1d(3), None, LINE),
    "adaptive-avg-pool2d": (nn.AdaptiveAvgPool2d((3, 2)), lambda x: adaptive(x, (3, 2)), IMAGE),
    "global-avg-pool2d": (nn.AdaptiveAvgPool2d(1), lambda x: jnp.mean(x, (1, 2)), IMAGE),
    "adaptive-avg-pool3d": (nn.AdaptiveAvgPool3d(3), None, VOLUME),
    "upsample-nearest": (nn.Upsample(scale_factor=2), None, IMAGE),
    "upsample-bilinear": (nn.Upsample(scale_factor=2, mode="bilinear"), None, IMAGE),
    "upsample-bicubic": (nn.Upsample(scale_factor=2, mode="bicubic"), None, IMAGE),
    "upsample-linear": (nn.Upsample(scale_factor=2, mode="linear"), None, LINE),
    "upsample-nearest1d": (nn.Upsample(scale_factor=2), None, LINE),
    "upsample-size": (nn.Upsample((12, 10), mode="bilinear"), None, IMAGE),
    "pixel-shuffle": (nn.PixelShuffle(2), None, IMAGE),
    "pixel-unshuffle": (nn.PixelUnshuffle(2), None, (4, 8, 6)),
    "unfold": (nn.Unfold(3), None, IMAGE),
    "dropout": (nn.Dropout(), fnn.Dropout(0.5, deterministic=True), IMAGE),
    "embedding": (nn.Embedding(20, 16), fnn.Embed(20, 16), (5,)),
    "rnn": (Recurrent(nn.RNN(16, 8, batch_first=True)), None, (5, 16)),
    "gru": (Recurrent(nn.GRU(16, 8, batch_first=True)), None, (5, 16)),
    "lstm": (Recurrent(nn.LSTM(16, 8, batch_first=True)), None, (5, 16)),
    "bi-lstm": (Recurrent(nn.LSTM(16, 8, batch_first=True, bidirectional=True)), None, (5, 16)),
    "attention": (Attention(), None, (5, 16)),
    "attention-function": (Function(lambda x: F.scaled_dot_product_attention(x, x, x)),
                           lambda x: jax.nn.dot_product_attention(*[x.swapaxes(1, 2)] * 3), (4, 5, 4)),
    "attention-of-layers": (Projections(), FlaxProjections(), (5, 16)),
    "transformer-encoder": (nn.TransformerEncoderLayer(16, 4, 32, activation="gelu", batch_first=True),
                            None, (5, 16)),
    "scale-of-its-own": (Scaled(), FlaxScaled(), IMAGE),
    "table-of-its-own": (Tokens(), FlaxTokens(), (5, 16)),
    "residual-block": (Block(), FlaxBlock(), IMAGE),
}

# Where our figure is another one, and why: see "What it does not know" in crates/cost/README.md.
RECURRENT = ("fvcore", "fvcore-activations", "ptflops-aten", "calflops")
NOT_IMITATED = {
    "group-norm": ("xla",),
    "group-norm-plain": ("xla",),
    "instance-norm": ("xla",),
    "instance-norm-plain": ("xla",),
    "local-response-norm": ("thop", "ultralytics-thop", "ptflops-pytorch", "calflops"),
    "hard-tanh": ("xla",),
    "upsample-size": ("calflops",),
    "embedding": ("xla",),
    "rnn": RECURRENT,
    "gru": RECURRENT,
    "lstm": (*RECURRENT, "torch"),
    "bi-lstm": (*RECURRENT, "torch"),
    "attention": ("torchinfo", "thop", "ptflops-aten", "ptflops-pytorch", "calflops"),
    "transformer-encoder": ("torchinfo", "fvcore", "fvcore-activations", "thop", "ptflops-aten",
                            "ptflops-pytorch", "calflops"),
}


def channels_last(shape):
    image = shape[1:] in (IMAGE, LINE, VOLUME)
    return (shape[0], *shape[2:], shape[1]) if image else shape


def main():
    rows = []
    for name, (layer, twin, sides) in LAYERS.items():
        for batch in (1, 3):
            shape = (batch, *sides)
            integers = isinstance(layer, nn.Embedding)
            x = torch.zeros(shape, dtype=torch.long) if integers else torch.zeros(shape)
            # Each tool gets a network of its own: hooks of one must not be seen by another.
            with contextlib.redirect_stdout(io.StringIO()):
                costs = tool_costs(lambda: Network(layer).eval(), x)
            costs["xla"] = "" if twin is None else flops(twin, channels_last(shape))[0]
            row = {"layer": name, "batch": batch, **{tool: costs[tool] for tool in TOOLS}}
            rows.append(row | {"not imitated": " ".join(NOT_IMITATED.get(name, ()))})
            print(*row.values(), flush=True)
    with open(PATH, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
