#!/usr/bin/env python3
"""Makes crates/vgg/tests/golden/features-*: feature maps, Grad-CAM and losses by PyTorch's hooks.

    pip install torch numpy safetensors        # torch 2.15 made the files in the repository
    python3 scripts/features.py crates/vgg/tests/golden

NAME.safetensors holds narrow networks' weights, NAME.expected.safetensors what comes of them.
"""
import json
import pathlib
import sys

import torch
from golden import config, network, plain
from safetensors.torch import save_file
from torch import nn

CLASS = 3


def names(net):
    """Module -> the paper's name."""
    found, block, layer = {}, 1, 0
    for m in net.features:
        if isinstance(m, nn.Conv2d):
            layer += 1
            found[m] = f"conv{block}_{layer}"
        elif isinstance(m, nn.BatchNorm2d):
            found[m] = f"norm{block}_{layer}"
        elif isinstance(m, nn.ReLU):
            found[m] = f"relu{block}_{layer}"
        else:
            found[m] = f"pool{block}"
            block, layer = block + 1, 0
    return found


def hooked(net, images):
    """Maps by name, and the logits."""
    maps, handles = {}, []
    for module, name in names(net).items():
        def hook(_, __, output, name=name):
            maps[name] = output
        handles.append(module.register_forward_hook(hook))
    logits = net(images)
    for handle in handles:
        handle.remove()
    return maps, logits


def grad_cam(net, image, name):
    maps, logits = hooked(net, image)
    gradient = torch.autograd.grad(logits[0, CLASS], maps[name])[0]
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    heat = (weights * maps[name]).sum(1)[0].relu()
    return heat / heat.max().clamp_min(1e-30)


def gram(map):
    b, c, h, w = map.shape
    flat = map.reshape(b, c, h * w)
    return flat @ flat.transpose(1, 2) / (c * h * w)


def losses(net, expected):
    """The style and content losses of Gatys et al. in Johnson et al.'s normalisation."""
    image = torch.rand(1, 3, 40, 32, requires_grad=True)
    content, style = torch.rand(1, 3, 40, 32), torch.rand(1, 3, 36, 48)
    of_image, of_content, of_style = (hooked(net, x)[0] for x in (image, content, style))
    mse = nn.functional.mse_loss
    content_loss = 0.5 * mse(of_image["relu2_1"], of_content["relu2_1"])
    style_loss = sum(
        weight * mse(gram(of_image[name]), gram(of_style[name]))
        for name, weight in [("relu1_1", 1.0), ("relu2_1", 2.0), ("relu3_1", 4.0)]
    )
    expected |= {
        "loss.image": image.detach(), "loss.content_image": content, "loss.style_image": style,
        "loss.gram": gram(of_style["relu2_1"]).detach(),
        "loss.content": content_loss.detach().reshape(1),
        "loss.style": style_loss.detach().reshape(1),
        "loss.content_gradient": torch.autograd.grad(content_loss, image, retain_graph=True)[0],
        "loss.style_gradient": torch.autograd.grad(style_loss, image)[0],
    }


def main(folder):
    for depth, norm in [(11, False), (16, True), (19, False)]:
        c = config(depth, "imagenet", norm)
        net = network(c, 100 + depth).eval()
        with torch.no_grad():  # classes that do not depend on the image much have no heat
            net.classifier[-1].bias.zero_()
        images = torch.randn(2, 3, 32, 32)
        before = []
        handle = net.classifier[-1].register_forward_pre_hook(lambda _, x: before.append(x[0]))
        maps, _ = hooked(net, images)
        handle.remove()
        expected = {k: v.detach().clone().contiguous() for k, v in maps.items()}
        # ReLU works on its own output: nothing here is in place.
        expected |= {"images": images, "pre_logits": before[0].detach().clone()}
        last = [name for name in maps if name.startswith("relu")][-1]
        expected["cam.last"] = grad_cam(net, images[:1], last).detach()
        expected["cam.relu3_1"] = grad_cam(net, images[:1], "relu3_1").detach()
        tracked = images.clone().requires_grad_()
        maps, _ = hooked(net, tracked)
        if norm:
            total = sum(maps[n].pow(2).mean() for n in ("norm1_1", "relu2_1", "conv3_3"))
            expected["gradient"] = torch.autograd.grad(total, tracked)[0]
        if depth == 19:
            losses(net, expected)
        name = f"features-vgg{depth}{'-bn' if norm else ''}"
        save_file(plain(net.state_dict()), folder / f"{name}.safetensors", {"vgg.config": json.dumps(c)})
        save_file({k: v.contiguous() for k, v in expected.items()}, folder / f"{name}.expected.safetensors")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
