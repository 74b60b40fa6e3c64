"""Writes dense.safetensors: logits of fully convolutional networks by PyTorch, over whole images that are not square.

    python make_dense.py    # needs torch, torchvision, safetensors, numpy

The linear layers of each network are turned into convolutions (the first over the whole map that it sees at the
published size, the others 1×1), as Simonyan & Zisserman 2015, §3.2 do, and the map of class scores is averaged. Weights
and images are the ones of synthetic.py.
"""
import pathlib

import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

import make_logits
import models as own
from synthetic import synthetic


def conv_of(linear, channels, size):
    conv = nn.Conv2d(channels, linear.out_features, size)
    conv.weight.data = linear.weight.data.reshape(conv.weight.shape)
    conv.bias.data = linear.bias.data
    return conv


class Sliding(nn.Module):
    """Features, then the linear layers as convolutions with ReLU between, then the mean over the positions."""

    def __init__(self, features, linears, size):
        super().__init__()
        channels = linears[0].in_features // size**2
        convs = [conv_of(linears[0], channels, size)] + [conv_of(l, l.in_features, 1) for l in linears[1:]]
        self.features, self.convs = features, nn.ModuleList(convs)

    def forward(self, x):
        x = self.features(x)
        for conv in self.convs[:-1]:
            x = torch.relu(conv(x))
        return self.convs[-1](x).mean((2, 3))


class LeNetFeatures(make_logits.LeNet5):
    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.conv1(x)), 2)
        return nn.functional.max_pool2d(torch.relu(self.conv2(x)), 2)


class AlexNet2012Features(make_logits.AlexNet2012):
    def forward(self, x):
        x = self.pool(self.lrn(torch.relu(self.conv1(x))))
        x = self.pool(self.lrn(torch.relu(self.conv2(x))))
        x = torch.relu(self.conv4(torch.relu(self.conv3(x))))
        return self.pool(torch.relu(self.conv5(x)))


def lenet5():
    model = make_logits.fill(LeNetFeatures())
    return Sliding(model, [model.fc1, model.fc2, model.fc3], 5)


def alexnet_2012():
    model = make_logits.fill(AlexNet2012Features())
    return Sliding(model, [model.fc6, model.fc7, model.fc8], 6)


def torchvision_classifier(name, size):
    model = make_logits.fill(getattr(torchvision.models, name)())
    return Sliding(model.features, [m for m in model.classifier if isinstance(m, nn.Linear)], size)


class ScoreMap(nn.Module):
    """A network with a global average pool: its linear layer at every position, then the mean."""

    def __init__(self, model):
        super().__init__()
        self.conv = conv_of(model.fc, model.fc.in_features, 1)
        model.avgpool, model.fc = nn.Identity(), nn.Identity()
        self.model = model

    def forward(self, x):
        features = self.model(x)
        height, width = -(-x.shape[2] // 32), -(-x.shape[3] // 32)
        return self.conv(features.unflatten(1, (-1, height, width))).mean((2, 3))


CASES = {
    "lenet5 44x60": (lenet5, (1, 44, 60)),
    "alexnet_2012 260x335": (alexnet_2012, (3, 260, 335)),
    "alexnet 320x256": (lambda: torchvision_classifier("alexnet", 6), (3, 320, 256)),
    "vgg11 256x320": (lambda: torchvision_classifier("vgg11", 7), (3, 256, 320)),
    "resnet18 256x320": (lambda: ScoreMap(make_logits.fill(torchvision.models.resnet18())), (3, 256, 320)),
    "nin_cifar10 40x57": (lambda: make_logits.fill(own.nin_cifar10()), (3, 40, 57)),
}

if __name__ == "__main__":
    torch.set_num_threads(2)
    results = {}
    for name, (make, shape) in CASES.items():
        with torch.inference_mode():
            results[name] = make().eval()(synthetic("input", shape)[None])[0].contiguous()
        print(name, results[name].abs().max().item(), results[name].std().item())
    save_file(results, pathlib.Path(__file__).with_name("dense.safetensors"))
