"""The networks that no library has, in torch.nn."""

import torch
from torch import nn
from torchvision.models import densenet, resnet


def pool(size=3, stride=2, padding=0):
    return nn.MaxPool2d(size, stride, padding, ceil_mode=True)


class PaperLRN(nn.Module):
    """PyTorch divides alpha by the size; the paper does not."""

    def __init__(self, size=5, alpha=1e-4, beta=0.75, k=2.0):
        super().__init__()
        self.norm = nn.LocalResponseNorm(size, alpha * size, beta, k)

    def forward(self, x):
        return self.norm(x)


class TwoTowers(nn.Module):
    """AlexNet's layers; what stands between the first two is the subclass's."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, stride=4)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.fc6, self.fc7, self.fc8 = nn.Linear(9216, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000)

    def forward(self, x):
        x = self.between(torch.relu(self.conv1(x)))
        x = self.between(torch.relu(self.conv2(x)))
        x = torch.relu(self.conv4(torch.relu(self.conv3(x))))
        x = pool()(torch.relu(self.conv5(x))).flatten(1)
        return self.fc8(torch.relu(self.fc7(torch.relu(self.fc6(x)))))


class AlexNet2012(TwoTowers):
    def __init__(self, **lrn):
        super().__init__()
        self.lrn = PaperLRN(**lrn)

    def between(self, x):
        return nn.functional.max_pool2d(self.lrn(x), 3, 2)


class CaffeNet(TwoTowers):
    def __init__(self):
        super().__init__()
        self.norm = nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0)

    def between(self, x):
        return self.norm(pool()(x))


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


def nin(rows):
    """(name, inputs, filters, kernel, stride, padding) for each convolution; a pool as it is."""
    layers = {}
    for row in rows:
        if isinstance(row, nn.Module):
            layers[f"pool{len(layers)}"] = row
        else:
            name, *sizes = row
            layers[name], layers[name + "_relu"] = nn.Conv2d(*sizes), nn.ReLU()
    network = nn.Sequential()
    for name, layer in layers.items():
        network.add_module(name, layer)
    network.add_module("global", nn.AdaptiveAvgPool2d(1))
    network.add_module("flatten", nn.Flatten())
    return network


def nin_imagenet():
    return nin([
        ("conv1", 3, 96, 11, 4), ("cccp1", 96, 96, 1), ("cccp2", 96, 96, 1), pool(),
        ("conv2", 96, 256, 5, 1, 2), ("cccp3", 256, 256, 1), ("cccp4", 256, 256, 1), pool(),
        ("conv3", 256, 384, 3, 1, 1), ("cccp5", 384, 384, 1), ("cccp6", 384, 384, 1), pool(),
        ("conv4-1024", 384, 1024, 3, 1, 1), ("cccp7-1024", 1024, 1024, 1), ("cccp8-1024", 1024, 1000, 1),
    ])


def nin_cifar10():
    return nin([
        ("conv1", 3, 192, 5, 1, 2), ("cccp1", 192, 160, 1), ("cccp2", 160, 96, 1), pool(),
        ("conv2", 96, 192, 5, 1, 2), ("cccp3", 192, 192, 1), ("cccp4", 192, 192, 1),
        nn.AvgPool2d(3, 2, ceil_mode=True),
        ("conv3", 192, 192, 3, 1, 1), ("cccp5", 192, 192, 1), ("cccp6", 192, 10, 1),
    ])


class GoogLeNet2014(nn.Module):
    TABLE = {  # 1×1, 3×3 reduce, 3×3, 5×5 reduce, 5×5, pool
        "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64),
        "4a": (192, 96, 208, 16, 48, 64), "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64),
        "4d": (112, 144, 288, 32, 64, 64), "4e": (256, 160, 320, 32, 128, 128),
        "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
    }

    def __init__(self):
        super().__init__()
        self.conv1 = nn.ModuleDict({"7x7_s2": nn.Conv2d(3, 64, 7, 2, 3)})
        self.conv2 = nn.ModuleDict({"3x3_reduce": nn.Conv2d(64, 64, 1), "3x3": nn.Conv2d(64, 192, 3, 1, 1)})
        width = 192
        for name, (one, reduce3, three, reduce5, five, pooled) in self.TABLE.items():
            self.add_module(f"inception_{name}", nn.ModuleDict({
                "1x1": nn.Conv2d(width, one, 1),
                "3x3_reduce": nn.Conv2d(width, reduce3, 1), "3x3": nn.Conv2d(reduce3, three, 3, 1, 1),
                "5x5_reduce": nn.Conv2d(width, reduce5, 1), "5x5": nn.Conv2d(reduce5, five, 5, 1, 2),
                "pool_proj": nn.Conv2d(width, pooled, 1),
            }))
            width = one + three + five + pooled
        self.loss3 = nn.ModuleDict({"classifier": nn.Linear(1024, 1000)})
        self.norm = nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0)

    def forward(self, x):
        x = self.norm(pool()(torch.relu(self.conv1["7x7_s2"](x))))
        x = torch.relu(self.conv2["3x3"](torch.relu(self.conv2["3x3_reduce"](x))))
        x = pool()(self.norm(x))
        for name in self.TABLE:
            m = getattr(self, f"inception_{name}")
            x = torch.relu(torch.cat([
                m["1x1"](x),
                m["3x3"](torch.relu(m["3x3_reduce"](x))),
                m["5x5"](torch.relu(m["5x5_reduce"](x))),
                m["pool_proj"](pool(3, 1, 1)(x)),
            ], 1))
            x = pool()(x) if name in ("3b", "4e") else x
        return self.loss3["classifier"](x.mean((2, 3)))


class ResNeXt29(resnet.ResNet):
    def __init__(self):
        super().__init__(resnet.Bottleneck, [3, 3, 3, 1], num_classes=10, groups=8, width_per_group=64)
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.maxpool = nn.Identity()
        self.layer4 = nn.Identity()
        self.fc = nn.Linear(1024, 10)


class PlainDenseLayer(nn.Sequential):
    def __init__(self, inputs, growth):
        super().__init__()
        self.norm1, self.relu = nn.BatchNorm2d(inputs), nn.ReLU()
        self.conv1 = nn.Conv2d(inputs, growth, 3, 1, 1, bias=False)

    def forward(self, x):
        return torch.cat([x, super().forward(x)], 1)


class CIFARDenseNet(nn.Module):
    def __init__(self, layers, is_bc, growth=12):
        super().__init__()
        width = 2 * growth if is_bc else 16
        self.features = nn.Sequential()
        self.features.add_module("conv0", nn.Conv2d(3, width, 3, 1, 1, bias=False))
        for block in (1, 2, 3):
            name = f"denseblock{block}"
            if is_bc:
                self.features.add_module(name, densenet._DenseBlock(layers, width, 4, growth, 0))
            else:
                dense = nn.Sequential()
                for index in range(layers):
                    dense.add_module(f"denselayer{index + 1}", PlainDenseLayer(width + index * growth, growth))
                self.features.add_module(name, dense)
            width += layers * growth
            if block < 3:
                smaller = width // 2 if is_bc else width
                self.features.add_module(f"transition{block}", densenet._Transition(width, smaller))
                width = smaller
        self.features.add_module("norm5", nn.BatchNorm2d(width))
        self.classifier = nn.Linear(width, 10)

    def forward(self, x):
        return self.classifier(torch.relu(self.features(x)).mean((2, 3)))


class LeNet1998(nn.Module):
    TABLE_I = ["012", "123", "234", "345", "045", "015", "0123", "1234", "2345", "0345", "0145", "0125", "0134",
               "1245", "0235", "012345"]

    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)
        self.c3 = nn.ModuleList(nn.Conv2d(len(maps), 1, 5) for maps in self.TABLE_I)
        self.c5, self.f6 = nn.Conv2d(16, 120, 5), nn.Linear(120, 84)
        for name, count in (("s2", 6), ("s4", 16)):
            self.add_module(name, nn.Module())
            getattr(self, name).weight = nn.Parameter(torch.zeros(count))
            getattr(self, name).bias = nn.Parameter(torch.zeros(count))
        self.rbf = nn.Linear(84, 10, bias=False)

    @staticmethod
    def squash(x):
        return 1.7159 * torch.tanh(2 / 3 * x)

    def subsample(self, layer, x):
        sums = 4 * nn.functional.avg_pool2d(x, 2)
        return self.squash(sums * layer.weight[:, None, None] + layer.bias[:, None, None])

    def forward(self, x):
        x = self.subsample(self.s2, self.squash(self.c1(x)))
        maps = [conv(x[:, [int(c) for c in inputs]]) for conv, inputs in zip(self.c3, self.TABLE_I)]
        x = self.subsample(self.s4, self.squash(torch.cat(maps, 1)))
        x = self.squash(self.f6(self.squash(self.c5(x)).flatten(1)))
        return -((x[:, None, :] - self.rbf.weight) ** 2).sum(2)
