"""Writes logits.safetensors: what PyTorch answers for each case of LogitsTests.swift.

Weights and inputs are the synthetic ones that Sources/Engine/Tensor/SyntheticWeights.swift makes too, so only the
logits are stored, a tensor for each case. Needs numpy, torch, torchvision, timm and
safetensors:

    python make_logits.py            # writes the file beside this script
    python make_logits.py --check    # also shows how far the logits move when the input or a detail changes
"""

import argparse
import math
import pathlib
import re

import models as own
import numpy as np
import timm
import torch
import torchvision
from safetensors.numpy import save_file
from torch import nn

SEED = 7


def uniform(name, count, seed):
    """u_i in [0, 1) of the recipe, in double precision."""
    start = 0xCBF29CE484222325
    for byte in name.encode():
        start = (start ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(start ^ seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return ((z ^ z >> np.uint64(31)) >> np.uint64(40)).astype(np.float64) / 2**24


def synthetic(name, shape, seed=SEED):
    u = uniform(name, math.prod(shape), seed)
    if name.endswith("running_var"):
        values = 0.5 + u
    elif name.endswith("running_mean"):
        values = (u - 0.5) * 0.2
    elif len(shape) == 1:
        values = (u - 0.5) * 0.2 if name.endswith("bias") or "bias_" in name else 0.5 + u
    elif name == "input":
        values = 4 * u - 2
    else:
        values = (2 * u - 1) * math.sqrt(3 / math.prod(shape[1:]))
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def fill(model, seed=SEED):
    state = model.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = synthetic(getattr(model, "rename", str)(name), tuple(tensor.shape), seed)
    model.load_state_dict(state)
    return model.eval()


class PaperLRN(nn.Module):
    """PyTorch divides alpha by the size; the paper does not."""

    def __init__(self, size=5, alpha=1e-4, beta=0.75, k=2.0):
        super().__init__()
        self.norm = nn.LocalResponseNorm(size, alpha * size, beta, k)

    def forward(self, x):
        return self.norm(x)


class AlexNet2012(nn.Module):
    def __init__(self, **lrn):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, stride=4)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.fc6 = nn.Linear(9216, 4096)
        self.fc7 = nn.Linear(4096, 4096)
        self.fc8 = nn.Linear(4096, 1000)
        self.lrn = PaperLRN(**lrn)
        self.pool = nn.MaxPool2d(3, 2)

    def forward(self, x):
        x = self.pool(self.lrn(torch.relu(self.conv1(x))))
        x = self.pool(self.lrn(torch.relu(self.conv2(x))))
        x = torch.relu(self.conv3(x))
        x = torch.relu(self.conv4(x))
        x = self.pool(torch.relu(self.conv5(x))).flatten(1)
        return self.fc8(torch.relu(self.fc7(torch.relu(self.fc6(x)))))


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(400, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = nn.functional.max_pool2d(torch.relu(self.conv2(x)), 2)
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x.flatten(1))))))


class CIFARBlock(nn.Module):
    def __init__(self, inputs, width, stride, shortcut):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.stride, self.padding = stride, width - inputs
        if stride != 1 and shortcut == "B":
            self.downsample = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def side(self, x):
        if self.stride == 1:
            return x
        if hasattr(self, "downsample"):
            return self.downsample(x)
        before = self.padding // 2
        x = x[:, :, :: self.stride, :: self.stride]
        return nn.functional.pad(x, (0, 0, 0, 0, before, self.padding - before))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.side(x))


class CIFARResNet(nn.Module):
    def __init__(self, depth, shortcut):
        super().__init__()
        count = (depth - 2) // 6

        def stage(inputs, width, stride):
            first = CIFARBlock(inputs, width, stride, shortcut)
            return nn.Sequential(first, *(CIFARBlock(width, width, 1, shortcut) for _ in range(count - 1)))

        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1, self.layer2, self.layer3 = stage(16, 16, 1), stage(16, 32, 2), stage(32, 64, 2)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


class GRUBefore(nn.GRU):
    """Cho et al.'s GRU: the reset gate before the recurrent product. One layer; same tensors as nn.GRU."""

    def forward(self, x):
        outputs, finals = [], []
        for suffix in ["", "_reverse"][: 2 if self.bidirectional else 1]:
            w_ih, w_hh, b_ih, b_hh = (
                getattr(self, f"{kind}_l0{suffix}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            )
            n = self.hidden_size
            h = torch.zeros(n)
            states = []
            for step in x[0].flip(0) if suffix else x[0]:
                i, g = w_ih @ step + b_ih, w_hh[: 2 * n] @ h + b_hh[: 2 * n]
                r, z = torch.sigmoid(i[:n] + g[:n]), torch.sigmoid(i[n : 2 * n] + g[n:])
                candidate = torch.tanh(i[2 * n :] + w_hh[2 * n :] @ (r * h) + b_hh[2 * n :])
                h = (1 - z) * candidate + z * h
                states.append(h)
            finals.append(h[None])
            outputs.append(torch.stack(states[::-1] if suffix else states))
        return torch.cat(outputs, 1)[None], torch.stack(finals)


class Recurrent(nn.Module):
    def __init__(self, kind, tokens, features, hidden, layers, bidirectional, pooling, classes):
        super().__init__()
        if tokens:
            self.embedding = nn.Embedding(tokens, features)
        self.rnn = kind(features, hidden, layers, batch_first=True, bidirectional=bidirectional)
        self.head = nn.Linear(hidden * (2 if bidirectional else 1), classes)
        self.pooling, self.directions = pooling, 2 if bidirectional else 1

    def forward(self, x):
        y, state = self.rnn(self.embedding(x) if hasattr(self, "embedding") else x)
        final = state[0] if isinstance(state, tuple) else state
        if self.pooling == "last":
            return self.head(final[-self.directions :].transpose(0, 1).flatten(1))
        if self.pooling is None:
            return self.head(y)
        return self.head(y.mean(1) if self.pooling == "mean" else y.amax(1))


def tokens(steps, size, seed=SEED):
    return torch.from_numpy(np.floor(uniform("input", steps, seed) * size).astype(np.int64))[None]


def library(name, **options):
    """torchvision's network, at test time."""
    return lambda: getattr(torchvision.models, name)(**options)


def old_names(model):
    """DenseNet's names before torchvision 0.3."""
    model.rename = lambda name: re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", name)
    return model


VGGS = [f"vgg{depth}{suffix}" for suffix in ("", "_bn") for depth in (11, 13, 16, 19)]
HEADLESS = {"init_weights": False, "aux_logits": False}
LOUD = {"size": 3, "alpha": 0.05, "beta": 0.6, "k": 1.0}

# name: model, input shape; a shape of one number is that many tokens
CASES = {
    "lenet5": (LeNet5, (1, 32, 32)),
    "alexnet_2012": (AlexNet2012, (3, 227, 227)),
    "alexnet_2012 lrn": (lambda: AlexNet2012(**LOUD), (3, 227, 227)),
    "alexnet": (torchvision.models.alexnet, (3, 224, 224)),
    "alexnet 256x320": (torchvision.models.alexnet, (3, 256, 320)),
    **{
        name: (getattr(torchvision.models, name), (3, 224, 224))
        for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
    },
    "resnet18 97x130": (torchvision.models.resnet18, (3, 97, 130)),
    **{f"resnet{depth}": (lambda depth=depth: CIFARResNet(depth, "A"), (3, 32, 32)) for depth in (20, 32, 44, 56, 110)},
    "resnet20 B": (lambda: CIFARResNet(20, "B"), (3, 32, 32)),
    "resnet110 B": (lambda: CIFARResNet(110, "B"), (3, 32, 32)),
    "lenet5_1998": (own.LeNet1998, (1, 32, 32)),
    "caffenet": (own.CaffeNet, (3, 227, 227)),
    **{name: (library(name), (3, 64, 64)) for name in VGGS},
    "vgg11 timm": (lambda: timm.create_model("vgg11"), (3, 224, 224)),
    "nin": (own.nin_imagenet, (3, 224, 224)),
    "nin_cifar10": (own.nin_cifar10, (3, 32, 32)),
    "googlenet": (library("googlenet", **HEADLESS), (3, 97, 97)),
    "googlenet transformed": (library("googlenet", **HEADLESS, transform_input=True), (3, 97, 97)),
    "googlenet_2014": (own.GoogLeNet2014, (3, 97, 97)),
    "bn_inception": (own.BNInception, (3, 97, 97)),
    "inception_v3": (library("inception_v3", **HEADLESS), (3, 107, 107)),
    "inception_v3 transformed": (library("inception_v3", **HEADLESS, transform_input=True), (3, 107, 107)),
    "inception_v2": (lambda: timm.create_model("inception_v3"), (3, 107, 107)),
    "inception_v4": (lambda: timm.create_model("inception_v4"), (3, 107, 107)),
    "inception_resnet_v2": (lambda: timm.create_model("inception_resnet_v2"), (3, 107, 107)),
    "inception_resnet_v1": (lambda: own.InceptionResNetV1(100), (3, 107, 107)),
    **{
        name: (library(name), (3, 64, 64))
        for name in ("wide_resnet50_2", "wide_resnet101_2", "resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d")
    },
    "resnext29_8x64d": (own.ResNeXt29, (3, 32, 32)),
    **{name: (library(name), (3, 64, 64)) for name in ("densenet121", "densenet161", "densenet169", "densenet201")},
    "densenet121 old": (lambda: old_names(torchvision.models.densenet121()), (3, 64, 64)),
    "densenet40_k12": (lambda: own.CIFARDenseNet(12, False), (3, 32, 32)),
    "densenet100_bc_k12": (lambda: own.CIFARDenseNet(16, True), (3, 32, 32)),
    "squeezenet1_0": (library("squeezenet1_0"), (3, 97, 97)),
    "squeezenet1_1": (library("squeezenet1_1"), (3, 97, 97)),
    "mobilenet_v1": (lambda: timm.create_model("mobilenetv1_100"), (3, 97, 97)),
    "mobilenet_v2": (library("mobilenet_v2"), (3, 97, 97)),
    "mobilenet_v2 timm": (lambda: timm.create_model("mobilenetv2_100"), (3, 97, 97)),
    "shufflenet_v2_x1_0": (library("shufflenet_v2_x1_0"), (3, 97, 97)),
    "xception": (lambda: timm.create_model("legacy_xception"), (3, 107, 107)),
    # kind, vocabulary, features, hidden, layers, both directions, pooling, classes
    "rnn last": (lambda: Recurrent(nn.RNN, 50, 12, 40, 1, False, "last", 7), (19,)),
    "rnn features 2 both mean": (lambda: Recurrent(nn.RNN, 0, 5, 33, 2, True, "mean", 3), (23, 5)),
    "lstm last": (lambda: Recurrent(nn.LSTM, 50, 16, 48, 1, False, "last", 7), (31,)),
    "lstm 2 both last": (lambda: Recurrent(nn.LSTM, 97, 16, 40, 2, True, "last", 18), (17,)),
    "lstm 2 both max": (lambda: Recurrent(nn.LSTM, 97, 16, 40, 2, True, "max", 18), (17,)),
    "lstm features mean": (lambda: Recurrent(nn.LSTM, 0, 3, 29, 1, False, "mean", 4), (40, 3)),
    "lstm steps": (lambda: Recurrent(nn.LSTM, 50, 16, 48, 1, True, None, 9), (11,)),
    "gru last": (lambda: Recurrent(nn.GRU, 60, 24, 64, 1, False, "last", 18), (12,)),
    "gru 2 both max": (lambda: Recurrent(nn.GRU, 60, 24, 31, 2, True, "max", 5), (1,)),
    "gru both mean": (lambda: Recurrent(nn.GRU, 60, 24, 31, 1, True, "mean", 5), (25,)),
    "gru before": (lambda: Recurrent(GRUBefore, 60, 24, 37, 1, False, "last", 6), (21,)),
    "gru before both mean": (lambda: Recurrent(GRUBefore, 60, 24, 37, 1, True, "mean", 6), (21,)),
}


def logits(name, model=None, seed=SEED):
    make, shape = CASES[name]
    network = fill(model or make())
    if len(shape) == 1:
        item = tokens(shape[0], network.embedding.num_embeddings, seed)
    else:
        item = synthetic("input", shape, seed)[None]
    with torch.inference_mode():
        return network(item)[0].numpy()


def distance(a, b):
    return float(np.abs(a - b).max() / np.abs(a).max())


# A detail done otherwise must show: case, what, how.
def without_padding_shift(model):
    for block in model.modules():
        if isinstance(block, CIFARBlock):
            block.side = lambda x, b=block: x if b.stride == 1 else nn.functional.pad(
                x[:, :, :: b.stride, :: b.stride], (0, 0, 0, 0, 0, b.padding))
    return model


def with_epsilon(model, epsilon):
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.eps = epsilon
    return model


def with_stride_first(model):
    for stage in (model.layer2, model.layer3, model.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    return model


def with_relu(model):
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU6):
                setattr(module, name, nn.ReLU())
    return model


def with_scale(model):
    for name, module in model.named_modules():
        if name.startswith("repeat_1."):
            module.scale = 0.17
    return model


def with_padding_counted(model):
    for module in model.modules():
        if isinstance(module, nn.AvgPool2d):
            module.count_include_pad = not module.count_include_pad
    return model


def check(results):
    for name, values in results.items():
        print(f"{name:26} largest {np.abs(values).max():10.4g}  spread {values.std():10.4g}"
              f"  other input {distance(values, logits(name, seed=SEED + 1)):.2g}")
    models = torchvision.models
    details = [
        ("alexnet_2012", "alpha / size", AlexNet2012(alpha=1e-4 / 5)),
        ("alexnet_2012 lrn", "alpha / size", AlexNet2012(**{**LOUD, "alpha": LOUD["alpha"] / 3})),
        ("alexnet_2012 lrn", "size 5", AlexNet2012(**{**LOUD, "size": 5})),
        ("resnet20", "zeros behind", without_padding_shift(CIFARResNet(20, "A"))),
        ("resnet50", "stride in the 1x1", with_stride_first(models.resnet50())),
        ("resnet152", "stride in the 1x1", with_stride_first(models.resnet152())),
        ("resnet50", "epsilon 1e-3", with_epsilon(models.resnet50(), 1e-3)),
        ("mobilenet_v1", "ReLU", with_relu(timm.create_model("mobilenetv1_100"))),
        ("mobilenet_v2", "ReLU", with_relu(models.mobilenet_v2())),
        ("inception_resnet_v2", "scale 0.17", with_scale(timm.create_model("inception_resnet_v2"))),
        ("inception_v4", "padding counted", with_padding_counted(timm.create_model("inception_v4"))),
        ("inception_v3", "epsilon 1e-5", with_epsilon(models.inception_v3(**HEADLESS), 1e-5)),
        ("gru before", "reset after", Recurrent(nn.GRU, 60, 24, 37, 1, False, "last", 6)),
    ]
    for name, detail, model in details:
        print(f"{name:26} {detail}: {distance(results[name], logits(name, model)):.2g}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    results = {name: logits(name) for name in CASES}
    save_file(results, pathlib.Path(__file__).with_name("logits.safetensors"))
    if arguments.check:
        check(results)
