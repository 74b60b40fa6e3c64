"""What is easily done wrong in each family: by case, a name and a function that does it wrong in the case's network.

`make_logits.py --check` shows that the logits tell the right from the wrong.
"""

import functools
import re
from unittest import mock

import torch
from torch import nn
from torch.nn import functional
from torchvision.models import densenet, mobilenetv2, shufflenetv2

import models as own


def each(kind, **attributes):
    """Other attributes in all modules of a kind."""

    def change(model):
        for module in found(model, kind):
            for name, value in attributes.items():
                assert getattr(module, name) != value, f"{name} is {value} already"
                setattr(module, name, value)

    return change


def replaced(kind, other):
    """Another module in the place of each of a kind."""

    def change(model):
        places = [(parent, name) for parent in model.modules() for name, child in parent.named_children()
                  if isinstance(child, kind)]
        assert places
        for parent, name in places:
            setattr(parent, name, other())

    return change


def computed(kind, forward):
    """Another forward pass of all modules of a kind."""

    def change(model):
        for module in found(model, kind):
            module.forward = functools.partial(forward, module)

    return change


def calling(owner, name, other):
    """A function replaced by `other`, which is made of it, while the network runs."""

    def change(model):
        plain = model.forward

        def forward(x):
            with mock.patch.object(owner, name, other(getattr(owner, name))):
                return plain(x)

        model.forward = forward

    return change


def found(model, kind):
    modules = [module for module in model.modules() if isinstance(module, kind)]
    assert modules, f"no {kind.__name__}"
    return modules


def epsilon(value):
    return each((nn.BatchNorm2d, nn.BatchNorm1d), eps=value)


def padding_outside(model):
    """Average pools as in TensorFlow, which divide by the values inside the image; the network's own are functions."""
    calling(functional, "avg_pool2d", lambda pool: functools.partial(pool, count_include_pad=False))(model)


def zeros_behind(block, x):
    if block.stride == 1:
        return x
    return nn.functional.pad(x[:, :, :: block.stride, :: block.stride], (0, 0, 0, 0, 0, block.padding))


def with_zeros_behind(model):
    for block in found(model, own.CIFARBlock):
        block.side = functools.partial(zeros_behind, block)


def stride_first(model):
    for stage in (model.layer2, model.layer3, model.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)


def norm_first(model):
    """AlexNet's order, in CaffeNet."""
    model.between = lambda x: own.pool()(model.norm(x))


def scales_of_17(model):
    for name, module in model.named_modules():
        if re.fullmatch(r"repeat_\d\.\d+", name):
            module.scale = 0.17


def relu_at_the_end(model):
    model.block8.noReLU, model.block8.relu = False, nn.ReLU()


def average_in_5b(model):
    model.inception_5b_pool = nn.AvgPool2d(3, 1, 1)


def floored_pool(size=3, stride=2, padding=0):
    return nn.MaxPool2d(size, stride, padding)


def pool_of_3(model):
    model.maxpool4.kernel_size = 3


def new_before_old(block, x):
    features = [x]
    for layer in block.values():
        features.insert(0, layer(features))
    return torch.cat(features, 1)


def new_before_old_plain(layer, x):
    return torch.cat([nn.Sequential.forward(layer, x), x], 1)


def active_projections(model):
    for block in found(model, mobilenetv2.InvertedResidual):
        block.conv.append(nn.ReLU6())


def stride_in_the_convolution(model):
    """Xception's blocks without their pools."""
    for block in (model.block1, model.block2, model.block3, model.block12):
        block.rep[-1], block.rep[-3].conv1.stride = nn.Identity(), (2, 2)


def without_last_relu(name):
    def change(model):
        parent, child = name.rsplit(".", 1) if "." in name else ("", name)
        setattr(model.get_submodule(parent), child, nn.Identity())

    return change


FLOORED = {"pools rounded down": each(nn.MaxPool2d, ceil_mode=False)}
RELU = {"ReLU": replaced(nn.ReLU6, nn.ReLU)}
EPSILON_5 = {"epsilon 1e-5": epsilon(1e-5)}
EPSILON_3 = {"epsilon 1e-3": epsilon(1e-3)}
CAFFE_NORM = {
    "alpha not over the size": each(nn.LocalResponseNorm, alpha=5e-4),
    "k of 2": each(nn.LocalResponseNorm, k=2.0),
}
HARD_GATES = {"hard gates": replaced(nn.Sigmoid, nn.Hardsigmoid)}
INCEPTION_V3 = {"padding not counted": padding_outside, **EPSILON_5}

DETAILS = {
    "alexnet_2012": {"alpha over the size": each(nn.LocalResponseNorm, alpha=1e-4)},
    "alexnet_2012 lrn": {
        "alpha over the size": each(nn.LocalResponseNorm, alpha=0.05),
        "size 5": each(nn.LocalResponseNorm, size=5),
    },
    "caffenet": {"norm before the pool": norm_first, **CAFFE_NORM},
    "resnet20": {"zeros behind": with_zeros_behind},
    "resnet50": {"stride in the 1x1": stride_first, **EPSILON_3},
    "resnet152": {"stride in the 1x1": stride_first},
    "nin": {**FLOORED, "no ReLU at the end": without_last_relu("cccp8-1024_relu")},
    "nin_cifar10": {
        **FLOORED,
        "average pool is a max pool": replaced(nn.AvgPool2d, own.pool),
        "no ReLU at the end": without_last_relu("cccp6_relu"),
    },
    "googlenet": {**FLOORED, **EPSILON_5, "last pool 3x3": pool_of_3},
    "googlenet_2014": {
        "pools rounded down": calling(own, "pool", lambda _: floored_pool),
        **CAFFE_NORM,
    },
    "bn_inception": {  # with pools rounded down the branches would not fit
        **EPSILON_3,
        "padding not counted": each(nn.AvgPool2d, count_include_pad=False),
        "average pool in 5b": average_in_5b,
    },
    "inception_v3": INCEPTION_V3,
    "inception_v3 timm": INCEPTION_V3,
    "inception_v2": INCEPTION_V3,
    "inception_v4": {"padding counted": each(nn.AvgPool2d, count_include_pad=True), **EPSILON_5},
    "inception_resnet_v2": {
        "padding counted": each(nn.AvgPool2d, count_include_pad=True),
        "scale 0.17 everywhere": scales_of_17,
        "ReLU at the end": relu_at_the_end,
        **EPSILON_5,
    },
    "inception_resnet_v1": {
        "scale 0.17 everywhere": scales_of_17, "ReLU at the end": relu_at_the_end, **EPSILON_5,
    },
    "resnext50_32x4d": {"stride in the 1x1": stride_first},
    "densenet121": {"new before old": computed(densenet._DenseBlock, new_before_old), **EPSILON_3},
    "densenet40_k12": {"new before old": computed(own.PlainDenseLayer, new_before_old_plain)},
    "densenet100_bc_k12": {"new before old": computed(densenet._DenseBlock, new_before_old)},
    **{
        name: {**FLOORED, "no ReLU at the end": without_last_relu("classifier.2")}
        for name in ("squeezenet1_0", "squeezenet1_1")
    },
    "mobilenet_v1": RELU,
    "mobilenet_v2": {**RELU, "ReLU6 behind a projection": active_projections},
    "mobilenet_v2 timm": RELU,
    "shufflenet_v2_x1_0": {
        "no shuffle": calling(shufflenetv2, "channel_shuffle", lambda _: lambda x, groups: x),
        "shuffle the other way": calling(
            shufflenetv2, "channel_shuffle", lambda shuffle: lambda x, groups: shuffle(x, x.shape[1] // groups)
        ),
    },
    "regnet_y_400mf": HARD_GATES,
    "efficientnet_b0": {"ReLU": replaced(nn.SiLU, nn.ReLU), **HARD_GATES},
    "efficientnet_b5": EPSILON_5,
    "efficientnet_v2_s": EPSILON_5,
    "mobilenet_v3_large": {
        "SiLU": replaced(nn.Hardswish, nn.SiLU),
        **EPSILON_5,
    },
    "mobilenet_v3_large timm": EPSILON_3,
    "xception": {"stride in the convolution": stride_in_the_convolution, **EPSILON_3},
    "gru before": {"reset after": computed(own.GRUBefore, nn.GRU.forward)},
}
