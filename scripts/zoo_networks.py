"""The networks of crates/cost/tests/zoo in PyTorch, for zoo_costs.py.

torchvision's own where it has them, else layer by layer like there, under the same names.
"""

import torch
import torchvision
from torch import nn

from zoo_sequences import Classifier, Detr, Gpt, VisionTransformer


class Classified(nn.Module):
    """Poolings are modules here, as in Rust, not functions as in torchvision: thop and ptflops tell them apart."""

    def __init__(self, features, classifier):
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = classifier

    def forward(self, images):
        return self.classifier(self.avgpool(self.features(images)).flatten(1))


def torchvision_model(name):
    return torchvision.models.get_model(name)


def mobilenet_v2():
    model = torchvision_model("mobilenet_v2")
    return Classified(model.features, model.classifier)


def densenet121():
    model = torchvision_model("densenet121")
    model.features.add_module("relu5", nn.ReLU())
    return Classified(model.features, model.classifier)


class LayerNorm2d(nn.Module):
    """torchvision's, holding the layer that it is derived from: thop and ptflops know only that."""

    def __init__(self, channels):
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def convnext_tiny():
    model = torchvision_model("convnext_tiny")
    for path, module in list(model.named_modules()):
        if isinstance(module, torchvision.models.convnext.LayerNorm2d):
            model.set_submodule(path, LayerNorm2d(*module.normalized_shape))
    return model


class DoubleConv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu2 = nn.ReLU()

    def forward(self, x):
        return self.relu2(self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x))))))


class Down(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.pool = nn.MaxPool2d(2, 2)
        self.conv = DoubleConv(inputs, 2 * inputs)

    def forward(self, x):
        return self.conv(self.pool(x))


class Up(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, inputs // 2, 2, 2)
        self.conv = DoubleConv(inputs, inputs // 2)

    def forward(self, x, kept):
        return self.conv(torch.cat([kept, self.up(x)], 1))


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.inc = DoubleConv(3, 16)
        self.downs = nn.ModuleList(Down(inputs) for inputs in (16, 32, 64))
        self.ups = nn.ModuleList(Up(inputs) for inputs in (128, 64, 32))
        self.outc = nn.Conv2d(16, 2, 1)

    def forward(self, images):
        kept, x = [], self.inc(images)
        for down in self.downs:
            kept.append(x)
            x = down(x)
        for up in self.ups:
            x = up(x, kept.pop())
        return self.outc(x)


class BasicConv2d(nn.Module):
    def __init__(self, inputs, outputs, side, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, side, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.branch1x1 = BasicConv2d(inputs, 16, 1)
        self.branch7x7_1 = BasicConv2d(inputs, 12, 1)
        self.branch7x7_2 = BasicConv2d(12, 12, (1, 7), padding=(0, 3))
        self.branch7x7_3 = BasicConv2d(12, 16, (7, 1), padding=(3, 0))
        self.branch3x3dbl_1 = BasicConv2d(inputs, 16, 1)
        self.branch3x3dbl_2 = BasicConv2d(16, 24, 3, padding=1)
        self.branch3x3dbl_3 = BasicConv2d(24, 24, 3, padding=1)
        self.pool = nn.AvgPool2d(3, 1, 1)
        self.branch_pool = BasicConv2d(inputs, 8, 1)

    def forward(self, x):
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch1x1(x), seven, three, self.branch_pool(self.pool(x))], 1)


class Reduction(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch3x3 = BasicConv2d(64, 32, 3, 2)
        self.branch3x3dbl_1 = BasicConv2d(64, 16, 1)
        self.branch3x3dbl_2 = BasicConv2d(16, 24, 3, 2)
        self.pool = nn.MaxPool2d(3, 2)

    def forward(self, x):
        return torch.cat([self.branch3x3(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x)), self.pool(x)], 1)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = BasicConv2d(3, 24, 3, 2)
        self.mixed = Mixed(24)
        self.reduction = Reduction()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(120, 10)

    def forward(self, images):
        return self.fc(self.avgpool(self.reduction(self.mixed(self.stem(images)))).flatten(1))


IMAGE = (1, 3, 224, 224)

# What makes each network, and its input; integers where it is two numbers.
NETWORKS = {
    "resnet18": (lambda: torchvision_model("resnet18"), IMAGE),
    "resnet50": (lambda: torchvision_model("resnet50"), IMAGE),
    "mobilenet_v2": (mobilenet_v2, IMAGE),
    "squeezenet1_1": (lambda: torchvision_model("squeezenet1_1"), IMAGE),
    "densenet121": (densenet121, IMAGE),
    "efficientnet_b0": (lambda: torchvision_model("efficientnet_b0"), IMAGE),
    "vit_b_16": (VisionTransformer, IMAGE),
    "convnext_tiny": (convnext_tiny, IMAGE),
    "unet": (UNet, (2, 3, 64, 48)),
    "detr": (Detr, (2, 3, 64, 64)),
    "gpt": (Gpt, (2, 20)),
    "inception": (Inception, (2, 3, 75, 75)),
    "lstm": (Classifier, (2, 7)),
}
