"""The networks that neither torchvision nor timm has, in torch.nn."""

import torch
from torch import nn
from torchvision.models import densenet, resnet


def pool(size=3, stride=2, padding=0):
    return nn.MaxPool2d(size, stride, padding, ceil_mode=True)


class CaffeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, stride=4)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.fc6, self.fc7, self.fc8 = nn.Linear(9216, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000)
        self.norm = nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0)

    def forward(self, x):
        x = self.norm(pool()(torch.relu(self.conv1(x))))
        x = self.norm(pool()(torch.relu(self.conv2(x))))
        x = torch.relu(self.conv4(torch.relu(self.conv3(x))))
        x = pool()(torch.relu(self.conv5(x))).flatten(1)
        return self.fc8(torch.relu(self.fc7(torch.relu(self.fc6(x)))))


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


class BNInception(nn.Module):
    TABLE = {  # 1×1, 3×3 reduce, 3×3, double reduce, double, pool
        "3a": (64, 64, 64, 64, 96, 32), "3b": (64, 64, 96, 64, 96, 64), "3c": (0, 128, 160, 64, 96, 0),
        "4a": (224, 64, 96, 96, 128, 128), "4b": (192, 96, 128, 96, 128, 128),
        "4c": (160, 128, 160, 128, 160, 128), "4d": (96, 128, 192, 160, 192, 128), "4e": (0, 128, 192, 192, 256, 0),
        "5a": (352, 192, 320, 160, 224, 128), "5b": (352, 192, 320, 192, 224, 128),
    }

    def __init__(self):
        super().__init__()
        self.unit("conv1_7x7_s2", 3, 64, 7, 2, 3)
        self.unit("conv2_3x3_reduce", 64, 64, 1)
        self.unit("conv2_3x3", 64, 192, 3, 1, 1)
        width = 192
        for name, (one, reduce, three, reduce_double, double, pooled) in self.TABLE.items():
            prefix, stride = f"inception_{name}_", 1 if one else 2
            if one:
                self.unit(prefix + "1x1", width, one, 1)
                self.unit(prefix + "pool_proj", width, pooled, 1)
            self.unit(prefix + "3x3_reduce", width, reduce, 1)
            self.unit(prefix + "3x3", reduce, three, 3, stride, 1)
            self.unit(prefix + "double_3x3_reduce", width, reduce_double, 1)
            self.unit(prefix + "double_3x3_1", reduce_double, double, 3, 1, 1)
            self.unit(prefix + "double_3x3_2", double, double, 3, stride, 1)
            width = one + three + double + (pooled or width)
        self.last_linear = nn.Linear(width, 1000)

    def unit(self, name, *sizes):
        self.add_module(name, nn.Conv2d(*sizes))
        self.add_module(name + "_bn", nn.BatchNorm2d(sizes[1]))

    def run(self, x, *names):
        for name in names:
            x = torch.relu(getattr(self, name + "_bn")(getattr(self, name)(x)))
        return x

    def forward(self, x):
        x = pool()(self.run(x, "conv1_7x7_s2"))
        x = pool()(self.run(x, "conv2_3x3_reduce", "conv2_3x3"))
        for name, (one, *_) in self.TABLE.items():
            p = f"inception_{name}_"
            branches = [
                self.run(x, p + "3x3_reduce", p + "3x3"),
                self.run(x, p + "double_3x3_reduce", p + "double_3x3_1", p + "double_3x3_2"),
            ]
            if one:
                average = nn.AvgPool2d(3, 1, 1, ceil_mode=True)
                pooled = pool(3, 1, 1)(x) if name == "5b" else average(x)
                branches = [self.run(x, p + "1x1"), *branches, self.run(pooled, p + "pool_proj")]
            else:
                branches.append(pool()(x))
            x = torch.cat(branches, 1)
        return self.last_linear(x.mean((2, 3)))


class Unit(nn.Sequential):
    def __init__(self, inputs, filters, kernel, stride=1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(inputs, filters, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(filters, eps=1e-3)

    def forward(self, x):
        return torch.relu(self.bn(self.conv(x)))


class Branches(nn.Module):
    """Inception-ResNet's modules: with a width the joined branches are a residual."""

    def __init__(self, branches, width=None, scale=1.0, relu=True, pools=False):
        super().__init__()
        for index, units in enumerate(branches):
            self.add_module(f"branch{index}", units[0] if len(units) == 1 else nn.Sequential(*units))
        self.count, self.scale, self.relu, self.pools = len(branches), scale, relu, pools
        if width:
            joined = sum(units[-1].conv.out_channels for units in branches)
            self.conv2d = nn.Conv2d(joined, width, 1)

    def forward(self, x):
        ends = [getattr(self, f"branch{index}")(x) for index in range(self.count)]
        y = torch.cat(ends + ([nn.functional.max_pool2d(x, 3, 2)] if self.pools else []), 1)
        if not hasattr(self, "conv2d"):
            return y
        y = self.conv2d(y) * self.scale + x
        return torch.relu(y) if self.relu else y


class InceptionResNetV1(nn.Module):
    """facenet-pytorch's names."""

    def __init__(self, classes):
        super().__init__()
        self.conv2d_1a, self.conv2d_2a = Unit(3, 32, 3, 2), Unit(32, 32, 3)
        self.conv2d_2b, self.conv2d_3b = Unit(32, 64, 3, 1, 1), Unit(64, 80, 1)
        self.conv2d_4a, self.conv2d_4b = Unit(80, 192, 3), Unit(192, 256, 3, 2)
        self.repeat_1 = nn.Sequential(*(Branches([
            [Unit(256, 32, 1)],
            [Unit(256, 32, 1), Unit(32, 32, 3, 1, 1)],
            [Unit(256, 32, 1), Unit(32, 32, 3, 1, 1), Unit(32, 32, 3, 1, 1)],
        ], 256, 0.17) for _ in range(5)))
        self.mixed_6a = Branches([
            [Unit(256, 384, 3, 2)],
            [Unit(256, 192, 1), Unit(192, 192, 3, 1, 1), Unit(192, 256, 3, 2)],
        ], pools=True)
        self.repeat_2 = nn.Sequential(*(Branches([
            [Unit(896, 128, 1)],
            [Unit(896, 128, 1), Unit(128, 128, (1, 7), 1, (0, 3)), Unit(128, 128, (7, 1), 1, (3, 0))],
        ], 896, 0.1) for _ in range(10)))
        self.mixed_7a = Branches([
            [Unit(896, 256, 1), Unit(256, 384, 3, 2)],
            [Unit(896, 256, 1), Unit(256, 256, 3, 2)],
            [Unit(896, 256, 1), Unit(256, 256, 3, 1, 1), Unit(256, 256, 3, 2)],
        ], pools=True)

        def block8(scale, relu=True):
            return Branches([
                [Unit(1792, 192, 1)],
                [Unit(1792, 192, 1), Unit(192, 192, (1, 3), 1, (0, 1)), Unit(192, 192, (3, 1), 1, (1, 0))],
            ], 1792, scale, relu)

        self.repeat_3 = nn.Sequential(*(block8(0.2) for _ in range(5)))
        self.block8 = block8(1.0, relu=False)
        self.last_linear = nn.Linear(1792, 512, bias=False)
        self.last_bn = nn.BatchNorm1d(512, eps=1e-3)
        self.logits = nn.Linear(512, classes)

    def forward(self, x):
        x = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x)))
        x = self.conv2d_4b(self.conv2d_4a(self.conv2d_3b(nn.functional.max_pool2d(x, 3, 2))))
        x = self.mixed_7a(self.repeat_2(self.mixed_6a(self.repeat_1(x))))
        x = self.block8(self.repeat_3(x)).mean((2, 3))
        return self.logits(self.last_bn(self.last_linear(x)))


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
