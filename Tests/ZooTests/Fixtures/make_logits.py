"""Writes logits.safetensors: what PyTorch answers for each case of LogitsTests.swift.

Weights and inputs are the synthetic ones that Sources/Engine/Tensor/SyntheticWeights.swift makes too, so only the
logits are stored, a tensor for each case. Needs numpy, torch, torchvision, timm, safetensors, facenet-pytorch and
pretrainedmodels (pip's --no-deps keeps facenet-pytorch from asking for an old torch):

    python make_logits.py              # writes the file beside this script
    python make_logits.py nin xcep     # only the cases whose names begin so; the others stay as they are
    python make_logits.py --check      # also changes the input and details.py's details, and fails should the logits of
                                       # a case not move by ten times what the test tolerates
"""

import argparse
import copy
import math
import pathlib
import re
import sys
from unittest import mock

import numpy as np
import timm
import torch
import torchvision
from facenet_pytorch.models.inception_resnet_v1 import InceptionResnetV1
from pretrainedmodels.models.bninception import BNInception
from pretrainedmodels.models.inceptionresnetv2 import InceptionResNetV2
from pretrainedmodels.models.xception import xception
from safetensors.numpy import load_file, save_file
from torch import nn

import models as own
from details import DETAILS
from synthetic import SEED, synthetic, uniform

TOLERANCE = 1e-4


def tokens(steps, size, seed=SEED):
    return torch.from_numpy(np.floor(uniform("input", steps, seed) * size).astype(np.int64))[None]


def library(name, **options):
    """torchvision's network."""
    return lambda: getattr(torchvision.models, name)(**options)


def regnet(name):
    """torchvision's, whose sizes are computed with tensors; its constructor's own numbers are not made."""

    def make():
        none = mock.patch.multiple(nn.init, normal_=mock.DEFAULT, kaiming_uniform_=mock.DEFAULT)
        with torch.device("cpu"), none:
            return getattr(torchvision.models, name)()

    return make


def tim(name):
    """timm's network."""
    return lambda: timm.create_model(name)


def old_names(model):
    """DenseNet's names before torchvision 0.3."""
    model.rename = lambda name: re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", name)
    return model


def any_size(model, pool):
    """Without the fixed size of the last pool."""
    setattr(model, pool, nn.AdaptiveAvgPool2d(1))
    return model


VGGS = ["vgg11", "vgg11_bn", "vgg16_bn"]
RESNETS = ["resnet18", "resnet34", "resnet50"]
WIDE = ["wide_resnet50_2", "resnext50_32x4d"]
DENSENETS = ["densenet121", "densenet161"]
HEADLESS = {"init_weights": False, "aux_logits": False}
LOUD = {"size": 3, "alpha": 0.05, "beta": 0.6, "k": 1.0}

# name: model, input shape; a shape of one number is that many tokens
CASES = {
    "lenet5": (own.LeNet5, (1, 32, 32)),
    "alexnet_2012": (own.AlexNet2012, (3, 227, 227)),
    "alexnet_2012 lrn": (lambda: own.AlexNet2012(**LOUD), (3, 227, 227)),
    "alexnet": (torchvision.models.alexnet, (3, 224, 224)),
    "alexnet 256x320": (torchvision.models.alexnet, (3, 256, 320)),
    **{name: (library(name), (3, 224, 224)) for name in RESNETS},
    "resnet18 97x130": (torchvision.models.resnet18, (3, 97, 130)),
    "resnet50 timm": (tim("resnet50"), (3, 64, 64)),
    **{
        f"resnet{depth}": (lambda depth=depth: own.CIFARResNet(depth, "A"), (3, 32, 32))
        for depth in (20, 32, 44, 56, 110)
    },
    "resnet20 B": (lambda: own.CIFARResNet(20, "B"), (3, 32, 32)),
    "resnet110 B": (lambda: own.CIFARResNet(110, "B"), (3, 32, 32)),
    "lenet5_1998": (own.LeNet1998, (1, 32, 32)),
    "caffenet": (own.CaffeNet, (3, 227, 227)),
    **{name: (library(name), (3, 64, 64)) for name in VGGS},
    **{f"{name} timm": (tim(name), (3, 224, 224)) for name in ("vgg11", "vgg16_bn")},
    "nin": (own.nin_imagenet, (3, 224, 224)),
    "nin_cifar10": (own.nin_cifar10, (3, 32, 32)),
    "googlenet": (library("googlenet", **HEADLESS), (3, 97, 97)),
    "googlenet transformed": (library("googlenet", **HEADLESS, transform_input=True), (3, 97, 97)),
    "googlenet_2014": (own.GoogLeNet2014, (3, 97, 97)),
    "bn_inception": (lambda: any_size(BNInception(), "global_pool"), (3, 97, 97)),
    "inception_v3": (library("inception_v3", **HEADLESS), (3, 107, 107)),
    "inception_v3 transformed": (library("inception_v3", **HEADLESS, transform_input=True), (3, 107, 107)),
    "inception_v3 timm": (tim("inception_v3"), (3, 107, 107)),
    "inception_v2": (tim("inception_v3"), (3, 107, 107)),
    "inception_v4": (tim("inception_v4"), (3, 107, 107)),
    "inception_resnet_v2": (tim("inception_resnet_v2"), (3, 107, 107)),
    "inception_resnet_v2 pretrainedmodels": (
        lambda: any_size(InceptionResNetV2(1000), "avgpool_1a"),
        (3, 107, 107),
    ),
    "inception_resnet_v1": (lambda: InceptionResnetV1(classify=True, num_classes=100), (3, 107, 107)),
    **{name: (library(name), (3, 64, 64)) for name in WIDE},
    "resnext50_32x4d timm": (tim("resnext50_32x4d"), (3, 64, 64)),
    "resnext29_8x64d": (own.ResNeXt29, (3, 32, 32)),
    **{name: (library(name), (3, 64, 64)) for name in DENSENETS},
    "densenet121 timm": (tim("densenet121"), (3, 64, 64)),
    "densenet121 old": (lambda: old_names(torchvision.models.densenet121()), (3, 64, 64)),
    "densenet40_k12": (lambda: own.CIFARDenseNet(12, False), (3, 32, 32)),
    "densenet100_bc_k12": (lambda: own.CIFARDenseNet(16, True), (3, 32, 32)),
    "squeezenet1_0": (library("squeezenet1_0"), (3, 97, 97)),
    "squeezenet1_1": (library("squeezenet1_1"), (3, 97, 97)),
    "mobilenet_v1": (tim("mobilenetv1_100"), (3, 97, 97)),
    "mobilenet_v2": (library("mobilenet_v2"), (3, 97, 97)),
    "mobilenet_v2 timm": (tim("mobilenetv2_100"), (3, 97, 97)),
    "shufflenet_v2_x1_0": (library("shufflenet_v2_x1_0"), (3, 97, 97)),
    "shufflenet_v2_x0_5": (library("shufflenet_v2_x0_5"), (3, 97, 97)),
    "mnasnet0_5": (library("mnasnet0_5"), (3, 97, 97)),
    "mnasnet1_0": (library("mnasnet1_0"), (3, 97, 97)),
    "regnet_y_400mf": (regnet("regnet_y_400mf"), (3, 64, 64)),
    "regnet_y_800mf": (regnet("regnet_y_800mf"), (3, 64, 64)),
    "regnet_x_400mf": (regnet("regnet_x_400mf"), (3, 64, 64)),
    "regnet_x_3_2gf": (regnet("regnet_x_3_2gf"), (3, 64, 64)),
    "efficientnet_b0": (library("efficientnet_b0"), (3, 97, 97)),
    "efficientnet_b2": (library("efficientnet_b2"), (3, 97, 97)),
    "efficientnet_b5": (library("efficientnet_b5"), (3, 64, 64)),
    "efficientnet_b0 timm": (tim("efficientnet_b0"), (3, 97, 97)),
    "efficientnet_b5 timm": (tim("efficientnet_b5"), (3, 64, 64)),
    "efficientnet_v2_s": (library("efficientnet_v2_s"), (3, 64, 64)),
    "mobilenet_v3_large": (library("mobilenet_v3_large"), (3, 97, 97)),
    "mobilenet_v3_large timm": (tim("mobilenetv3_large_100"), (3, 97, 97)),
    "mobilenet_v3_small": (library("mobilenet_v3_small"), (3, 97, 97)),
    "mobilenet_v3_small timm": (tim("mobilenetv3_small_100"), (3, 97, 97)),
    "resnet18d": (tim("resnet18d"), (3, 64, 64)),
    "resnet26d": (tim("resnet26d"), (3, 64, 64)),
    "resnet50d": (tim("resnet50d"), (3, 64, 64)),
    "resnet50d 97x130": (tim("resnet50d"), (3, 97, 130)),
    "seresnet18": (tim("seresnet18"), (3, 64, 64)),
    "seresnet50": (tim("seresnet50"), (3, 64, 64)),
    "xception": (tim("legacy_xception"), (3, 107, 107)),
    "xception pretrainedmodels": (lambda: xception(pretrained=None), (3, 107, 107)),
    "convnext_tiny": (library("convnext_tiny"), (3, 64, 64)),
    "convnext_tiny timm": (tim("convnext_tiny"), (3, 64, 64)),
    "convnext_atto": (tim("convnext_atto"), (3, 64, 64)),
    "convnext_femto_ols": (tim("convnext_femto_ols"), (3, 64, 64)),
    "convnextv2_atto": (tim("convnextv2_atto"), (3, 64, 64)),
    "convnextv2_tiny": (tim("convnextv2_tiny"), (3, 64, 64)),
    "regnet_y_400mf timm": (tim("regnety_004"), (3, 64, 64)),
    "regnetx_002": (tim("regnetx_002"), (3, 97, 97)),
    "regnety_002": (tim("regnety_002"), (3, 64, 64)),
    "resnet26t": (tim("resnet26t"), (3, 64, 64)),
    "resnet50s": (tim("resnet50s"), (3, 64, 64)),
    "resnetrs50": (tim("resnetrs50"), (3, 64, 64)),
    "ecaresnet26t": (tim("ecaresnet26t"), (3, 97, 97)),
    "ecaresnetlight": (tim("ecaresnetlight"), (3, 64, 64)),
    "seresnext26d_32x4d": (tim("seresnext26d_32x4d"), (3, 64, 64)),
    "seresnet50t": (tim("seresnet50t"), (3, 64, 64)),
    "res2net50_14w_8s": (tim("res2net50_14w_8s"), (3, 64, 64)),
    "res2net50d": (tim("res2net50d"), (3, 64, 64)),
    "res2next50": (tim("res2next50"), (3, 97, 97)),
    "mobilenetv2_035": (tim("mobilenetv2_035"), (3, 97, 97)),
    "mobilenetv2_110d": (tim("mobilenetv2_110d"), (3, 64, 64)),
    "mnasnet_small": (tim("mnasnet_small"), (3, 97, 97)),
    "semnasnet_075": (tim("semnasnet_075"), (3, 64, 64)),
    "spnasnet_100": (tim("spnasnet_100"), (3, 64, 64)),
    "fbnetc_100": (tim("fbnetc_100"), (3, 64, 64)),
    "tinynet_d": (tim("tinynet_d"), (3, 97, 97)),
    "lcnet_050": (tim("lcnet_050"), (3, 97, 97)),
    "tf_mobilenetv3_small_100": (tim("tf_mobilenetv3_small_100"), (3, 97, 97)),
    "tf_mobilenetv3_large_minimal_100": (tim("tf_mobilenetv3_large_minimal_100"), (3, 64, 64)),
    "mobilenetv3_small_050": (tim("mobilenetv3_small_050"), (3, 64, 64)),
    "mobilenetv3_large_150d": (tim("mobilenetv3_large_150d"), (3, 64, 64)),
    "fbnetv3_b": (tim("fbnetv3_b"), (3, 64, 64)),
    "mobilenetv4_conv_small": (tim("mobilenetv4_conv_small"), (3, 97, 97)),
    "mobilenetv4_conv_medium": (tim("mobilenetv4_conv_medium"), (3, 64, 64)),
    "tf_efficientnet_b0": (tim("tf_efficientnet_b0"), (3, 97, 97)),
    "tf_efficientnet_b0 64x90": (tim("tf_efficientnet_b0"), (3, 64, 90)),
    "efficientnet_lite0": (tim("efficientnet_lite0"), (3, 64, 64)),
    "tf_efficientnet_es": (tim("tf_efficientnet_es"), (3, 97, 97)),
    "efficientnet_v2_s timm": (tim("efficientnetv2_s"), (3, 64, 64)),
    "tf_efficientnetv2_b0": (tim("tf_efficientnetv2_b0"), (3, 64, 64)),
    "efficientnetv2_rw_t": (tim("efficientnetv2_rw_t"), (3, 64, 64)),
    "ghostnet_100": (tim("ghostnet_100"), (3, 97, 97)),
    "hrnet_w18_small": (tim("hrnet_w18_small"), (3, 64, 64)),
    "hrnet_w18_small_v2": (tim("hrnet_w18_small_v2"), (3, 64, 64)),
    "dla34": (tim("dla34"), (3, 64, 64)),
    "dla46x_c": (tim("dla46x_c"), (3, 64, 64)),
    "dla60_res2next": (tim("dla60_res2next"), (3, 64, 64)),
    "dla102": (tim("dla102"), (3, 64, 64)),
    "ese_vovnet19b_dw": (tim("ese_vovnet19b_dw"), (3, 97, 97)),
    "ese_vovnet39b": (tim("ese_vovnet39b"), (3, 64, 64)),
    "selecsls42b": (tim("selecsls42b"), (3, 97, 97)),
    "repvgg_a0": (tim("repvgg_a0"), (3, 64, 64)),
    "rexnet_100": (tim("rexnet_100"), (3, 97, 97)),
    "rexnetr_200": (tim("rexnetr_200"), (3, 64, 64)),
    "cspresnet50d": (tim("cspresnet50d"), (3, 64, 64)),
    "cspresnext50": (tim("cspresnext50"), (3, 64, 64)),
    "cspdarknet53": (tim("cspdarknet53"), (3, 64, 64)),
    "darknet53": (tim("darknet53"), (3, 64, 64)),
    "xception41": (tim("xception41"), (3, 97, 97)),
    "xception41p": (tim("xception41p"), (3, 64, 64)),
    "dpn68": (tim("dpn68"), (3, 64, 64)),
    "dpn68b": (tim("dpn68b"), (3, 97, 97)),
    "mixnet_s": (tim("mixnet_s"), (3, 97, 97)),
    "tf_mixnet_s": (tim("tf_mixnet_s"), (3, 64, 64)),
    "resnetv2_18": (tim("resnetv2_18"), (3, 97, 97)),
    "resnetv2_50": (tim("resnetv2_50"), (3, 64, 64)),
    "resnetv2_50d": (tim("resnetv2_50d"), (3, 97, 97)),
    "hardcorenas_a": (tim("hardcorenas_a"), (3, 64, 64)),
    "hardcorenas_f": (tim("hardcorenas_f"), (3, 97, 97)),
    "hgnet_tiny": (tim("hgnet_tiny"), (3, 97, 97)),
    "resnetaa50": (tim("resnetaa50"), (3, 64, 64)),
    "seresnextaa101d_32x8d": (tim("seresnextaa101d_32x8d"), (3, 64, 64)),
    # kind, vocabulary, features, hidden, layers, both directions, pooling, classes
    "rnn last": (lambda: own.Recurrent(nn.RNN, 50, 12, 40, 1, False, "last", 7), (19,)),
    "rnn features 2 both mean": (lambda: own.Recurrent(nn.RNN, 0, 5, 33, 2, True, "mean", 3), (23, 5)),
    "lstm last": (lambda: own.Recurrent(nn.LSTM, 50, 16, 48, 1, False, "last", 7), (31,)),
    "lstm 2 both last": (lambda: own.Recurrent(nn.LSTM, 97, 16, 40, 2, True, "last", 18), (17,)),
    "lstm 2 both max": (lambda: own.Recurrent(nn.LSTM, 97, 16, 40, 2, True, "max", 18), (17,)),
    "lstm features mean": (lambda: own.Recurrent(nn.LSTM, 0, 3, 29, 1, False, "mean", 4), (40, 3)),
    "lstm steps": (lambda: own.Recurrent(nn.LSTM, 50, 16, 48, 1, True, None, 9), (11,)),
    "gru last": (lambda: own.Recurrent(nn.GRU, 60, 24, 64, 1, False, "last", 18), (12,)),
    "gru 2 both max": (lambda: own.Recurrent(nn.GRU, 60, 24, 31, 2, True, "max", 5), (1,)),
    "gru both mean": (lambda: own.Recurrent(nn.GRU, 60, 24, 31, 1, True, "mean", 5), (25,)),
    "gru before": (lambda: own.Recurrent(own.GRUBefore, 60, 24, 37, 1, False, "last", 6), (21,)),
    "gru before both mean": (lambda: own.Recurrent(own.GRUBefore, 60, 24, 37, 1, True, "mean", 6), (21,)),
}

# How much larger the weights of convolutions and fully connected layers are. Without, each ReLU halves the signal: in a
# deep network that adds nothing to its input the biases drown it, and nothing reaches the bound of ReLU6.
GAINS = {
    "alexnet_2012": 4,
    "caffenet": 8,
    "googlenet": 1.5,
    "googlenet transformed": 1.5,
    "googlenet_2014": 4,
    "bn_inception": 1.5,
    "inception_v3": 1.5,
    "inception_v3 transformed": 1.5,
    "inception_v3 timm": 1.5,
    "inception_v2": 1.5,
    "inception_v4": 1.5,
    "inception_resnet_v2": 1.5,
    "inception_resnet_v2 pretrainedmodels": 1.5,
    "inception_resnet_v1": 1.5,
    "squeezenet1_0": 1.5,
    "squeezenet1_1": 1.5,
    "mobilenet_v1": 2,
    "mobilenet_v2": 1.5,
    "mobilenet_v2 timm": 1.5,
    "mnasnet0_5": 1.5,
    "mnasnet1_0": 1.5,
    "efficientnet_b0": 2,
    "efficientnet_b2": 2,
    "efficientnet_b5": 2,
    "efficientnet_b0 timm": 2,
    "efficientnet_b5 timm": 2,
    "efficientnet_v2_s": 2,
    "mobilenet_v3_large": 2,
    "mobilenet_v3_large timm": 2,
    "mobilenet_v3_small": 2,
    "mobilenet_v3_small timm": 2,
    "mobilenetv2_035": 1.5,
    "mobilenetv2_110d": 1.5,
    "semnasnet_075": 2,
    "spnasnet_100": 1.5,
    "fbnetc_100": 1.5,
    "tinynet_d": 2,
    "lcnet_050": 1.5,
    "tf_mobilenetv3_small_100": 2,
    "tf_mobilenetv3_large_minimal_100": 2,
    "mobilenetv3_small_050": 2,
    "mobilenetv3_large_150d": 2,
    "fbnetv3_b": 2,
    "mobilenetv4_conv_small": 1.5,
    "mobilenetv4_conv_medium": 1.5,
    "tf_efficientnet_b0": 2,
    "tf_efficientnet_b0 64x90": 2,
    "efficientnet_lite0": 1.5,
    "tf_efficientnet_es": 2,
    "efficientnet_v2_s timm": 2,
    "tf_efficientnetv2_b0": 2,
    "efficientnetv2_rw_t": 2,
    "ghostnet_100": 1.5,
    "ese_vovnet19b_dw": 1.5,
    "ese_vovnet39b": 1.5,
    "selecsls42b": 1.5,
    "rexnet_100": 1.5,
    "rexnetr_200": 1.5,
    "mixnet_s": 1.25,
    "tf_mixnet_s": 1.25,
    "hardcorenas_a": 2,
    "hardcorenas_f": 2,
    "hgnet_tiny": 1.5,
}


def network(name):
    """A case's network at test time; its constructor's own numbers are never made."""
    with torch.device("meta"):
        model = CASES[name][0]()
    state = model.state_dict()
    for key, tensor in state.items():
        if key.endswith("num_batches_tracked"):
            state[key] = torch.zeros(tensor.shape, dtype=tensor.dtype)
        else:
            tensor_name = getattr(model, "rename", str)(key)
            state[key] = synthetic(tensor_name, tuple(tensor.shape), gain=GAINS.get(name, 1))
    model.load_state_dict(state, assign=True)
    return model.eval()


def logits(name, model, seed=SEED):
    shape = CASES[name][1]
    if len(shape) == 1:
        item = tokens(shape[0], model.embedding.num_embeddings, seed)
    else:
        item = synthetic("input", shape, seed)[None]
    with torch.inference_mode():
        return model(item)[0].numpy()


def check(name, model, values):
    """How far the logits move, relative to the largest, when one thing is another; prints and returns it."""

    def moved(what, others):
        distance = float(np.abs(values - others).max() / np.abs(values).max())
        warning = "" if distance >= 10 * TOLERANCE else "  TOO LITTLE"
        print(f"{name:36} {what:26} {distance:.2g}{warning}", flush=True)
        return distance

    distances = [moved("another input", logits(name, model, SEED + 1))]
    for what, change in DETAILS.get(name, {}).items():
        other = copy.deepcopy(model)
        change(other)
        distances.append(moved(what, logits(name, other)))
    return min(distances)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help="beginnings of names")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    path = pathlib.Path(__file__).with_name("logits.safetensors")
    chosen = [name for name in CASES if name.startswith(tuple(arguments.cases or [""]))]
    results = load_file(path) if arguments.cases else {}
    smallest = math.inf
    for name in chosen:
        model = network(name)
        results[name] = logits(name, model)
        if arguments.check:
            smallest = min(smallest, check(name, model, results[name]))
    save_file({name: results[name] for name in CASES if name in results}, path)
    if smallest < 10 * TOLERANCE:
        sys.exit(f"the logits of a case moved by {smallest:.2g} only")


if __name__ == "__main__":
    main()
