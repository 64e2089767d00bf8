#!/usr/bin/env python3
"""Makes crates/vgg/tests/golden: what PyTorch computes with narrow networks of each family.

    pip install torch numpy safetensors        # torch 2.15 made the files in the repository
    python3 scripts/golden.py crates/vgg/tests/golden

NAME.safetensors holds weights in torchvision's naming, with the configuration in its metadata;
NAME.expected.safetensors an input and what comes of it.
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from torch import nn

DEPTHS = {11: [1, 1, 2, 2, 2], 13: [2] * 5, 16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4]}
CHANNELS = [64, 128, 256, 512, 512]
CLASSES = 10
WIDTH = 1 / 32


def config(depth, family, norm):
    blocks = 4 if family == "28" else 5
    return {
        "blocks": [
            {"convolutions": n, "channels": c}
            for n, c in list(zip(DEPTHS[depth], CHANNELS))[:blocks]
        ],
        "pooling": "Adaptive7x7" if family == "imagenet" else "Flatten",
        "hidden": [] if family == "cifar" else [512, 512],
        "input_channels": 1 if family == "28" else 3,
        "input_size": {"28": [28, 28], "cifar": [32, 32], "imagenet": [224, 224]}[family],
        "classes": CLASSES,
        "width": WIDTH,
        "batch_norm": norm,
        "dropout": 0.0,
        "weight_init": "Kaiming",
    }


class Vgg(nn.Module):
    def __init__(self, c):
        super().__init__()
        layers, channels = [], c["input_channels"]
        for block in c["blocks"]:
            for _ in range(block["convolutions"]):
                out = int(block["channels"] * c["width"])
                layers.append(nn.Conv2d(channels, out, 3, padding=1))
                if c["batch_norm"]:
                    layers.append(nn.BatchNorm2d(out))
                layers.append(nn.ReLU())
                channels = out
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        adaptive = c["pooling"] == "Adaptive7x7"
        self.average = nn.AdaptiveAvgPool2d(7) if adaptive else nn.Identity()
        size, linears = channels * (49 if adaptive else 1), []
        for hidden in c["hidden"]:
            out = int(hidden * c["width"])
            linears += [nn.Linear(size, out), nn.ReLU(), nn.Dropout(0.0)]
            size = out
        self.classifier = nn.Sequential(*linears, nn.Linear(size, CLASSES))

    def forward(self, x):
        return self.classifier(self.average(self.features(x)).flatten(1))


def network(c, seed):
    torch.manual_seed(seed)
    net = Vgg(c)
    with torch.no_grad():
        for m in net.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
                nn.init.normal_(m.bias, 0, 0.05)
            if isinstance(m, nn.BatchNorm2d):
                nn.init.uniform_(m.weight, 0.5, 1.5)
                nn.init.normal_(m.bias, 0, 0.1)
                nn.init.normal_(m.running_mean, 0, 0.1)
                nn.init.uniform_(m.running_var, 0.5, 1.5)
    return net


def plain(tensors, prefix=""):
    return {
        prefix + k: v.detach().clone().contiguous()
        for k, v in tensors.items()
        if not k.endswith("num_batches_tracked")
    }


def step(c, weights, images, labels, make_optimizer):
    """A training step; the optimizer decays weights, not biases and norms."""
    net = Vgg(c)
    net.load_state_dict(weights, strict=False)
    decayed = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() == 1]
    optimizer = make_optimizer([{"params": decayed}, {"params": others, "weight_decay": 0.0}])
    loss = nn.functional.cross_entropy(net(images), labels)
    loss.backward()
    optimizer.step()
    return net, loss


def main(folder):
    for depth, family, norm, size in [
        (11, "imagenet", False, [40, 56]),
        (13, "imagenet", False, [32, 32]),
        (16, "imagenet", True, [64, 33]),
        (19, "imagenet", False, [224, 224]),
        (13, "cifar", False, [32, 32]),
        (19, "cifar", True, [32, 32]),
        (16, "28", False, [28, 28]),
        (16, "28", True, [28, 28]),
    ]:
        c = config(depth, family, norm)
        name = f"vgg{depth}{'-bn' if norm else ''}-{family}"
        net = network(c, depth)
        weights = plain(net.state_dict())
        batch = 1 if size[0] == 224 else 6
        images = torch.randn(batch, c["input_channels"], *size)
        if size[0] == 224:  # from a formula: a stored image of this size would be too large
            y, x = torch.meshgrid(torch.arange(224.0), torch.arange(224.0), indexing="ij")
            images = torch.stack([torch.sin(0.1 * x), torch.sin(0.07 * y), 0.01 * (x - y)])[None]
        expected = {} if size[0] == 224 else {"images": images}
        net.eval()
        expected["logits"] = net(images).detach()
        if norm:
            net.train()
            expected["train.logits"] = net(images).detach()
            running = {k: v for k, v in net.state_dict().items() if "running" in k}
            expected |= plain(running, "train.")
        if family == "28":
            labels = torch.randint(0, CLASSES, (batch,))
            expected["labels"] = labels.int()
            sgd, loss = step(c, weights, images, labels, lambda p: torch.optim.SGD(
                p, lr=0.05, momentum=0.9, weight_decay=0.01))
            adamw, _ = step(c, weights, images, labels, lambda p: torch.optim.AdamW(
                p, lr=0.001, weight_decay=0.01))
            expected["loss"] = loss.detach().reshape(1)
            gradients = {k: p.grad for k, p in sgd.named_parameters()}
            expected |= plain(gradients, "gradient.")
            expected |= plain(dict(sgd.named_parameters()), "sgd.")
            expected |= plain(dict(adamw.named_parameters()), "adamw.")
        save_file(weights, folder / f"{name}.safetensors", {"vgg.config": json.dumps(c)})
        save_file(expected, folder / f"{name}.expected.safetensors")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
