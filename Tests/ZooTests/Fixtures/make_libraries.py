"""Writes libraries.tsv: what networks of torchvision and timm consist of, for LibraryTests.swift.

A line for each network: our name, the library and its name, the side of the image, how many numbers are trained, how many
multiplications with an addition the convolutions and fully connected layers take for one image, how many tensors there are,
a digest of their names and shapes, and some of the names, by which a table tells whose weights it gets. No number is drawn:
networks are made without memory for them. Needs torch, torchvision and timm:

    python make_libraries.py                         # writes the file anew, with the networks that it has
    python make_libraries.py tinynet_a 192 ...       # adds networks: our names and the sides of their images
    python make_libraries.py --list                  # prints timm's of the same families that are not in it
"""

import argparse
import math
import pathlib
import re
from unittest import mock

import timm
import torch
import torchvision
from torch import nn

# Ours: timm's, where it is called otherwise.
TIMM = {
    "mobilenet_v1": "mobilenetv1_100",
    "mobilenet_v2": "mobilenetv2_100",
    "mobilenet_v3_large": "mobilenetv3_large_100",
    "mobilenet_v3_small": "mobilenetv3_small_100",
    "efficientnet_v2_s": "efficientnetv2_s",
    "efficientnet_v2_m": "efficientnetv2_m",
    "efficientnet_v2_l": "efficientnetv2_l",
    "xception": "legacy_xception",
    "regnet_x_400mf": "regnetx_004_tv",
    "regnet_x_800mf": "regnetx_008",
    "regnet_x_1_6gf": "regnetx_016",
    "regnet_x_3_2gf": "regnetx_032",
    "regnet_x_8gf": "regnetx_080",
    "regnet_x_16gf": "regnetx_160",
    "regnet_x_32gf": "regnetx_320",
    "regnet_y_400mf": "regnety_004",
    "regnet_y_800mf": "regnety_008_tv",
    "regnet_y_1_6gf": "regnety_016",
    "regnet_y_3_2gf": "regnety_032",
    "regnet_y_8gf": "regnety_080_tv",
    "regnet_y_16gf": "regnety_160",
    "regnet_y_32gf": "regnety_320",
    "regnet_y_128gf": "regnety_1280",
}
# torchvision's without what only training needs.
HEADLESS = {"googlenet": {"init_weights": False, "aux_logits": False},
            "inception_v3": {"init_weights": False, "aux_logits": False}}


def made(make):
    """A network without memory for its numbers."""
    with torch.device("meta"):
        try:
            return make().eval()
        except RuntimeError:  # torchvision computes RegNets' sizes with tensors
            pass
    none = mock.patch.multiple(nn.init, normal_=mock.DEFAULT, kaiming_uniform_=mock.DEFAULT)
    with none:
        return make().to("meta").eval()


def multiply_adds(model, size):
    total = 0

    def count(module, _, output):
        nonlocal total
        total += output.numel() * math.prod(module.weight.shape[1:])

    for module in model.modules():
        if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Linear)):
            module.register_forward_hook(count)
    with torch.inference_mode():
        model(torch.zeros(1, 3, size, size, device="meta"))
    return total


def digest(lines):
    """FNV-1a of 64 bits."""
    value = 0xCBF29CE484222325
    for byte in "\n".join(sorted(lines)).encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def line(ours, library, name, size):
    options = HEADLESS.get(name, {}) if library == "torchvision" else {}
    model = made(lambda: getattr(torchvision.models, name)(**options) if library == "torchvision" else timm.create_model(name))
    tensors = {key: tensor.shape for key, tensor in model.state_dict().items() if not key.endswith("num_batches_tracked")}
    numbers = sum(parameter.numel() for parameter in model.parameters())
    first = {}
    for key in list(tensors)[: -2]:
        first.setdefault(key.split(".")[0], key)
    shapes = [f"{key} {'x'.join(map(str, shape))}" for key, shape in tensors.items()]
    fields = [ours, f"{library}:{name}", size, numbers, multiply_adds(model, size), len(tensors), digest(shapes)]
    return "\t".join(map(str, fields + [" ".join(first.values())]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", help="names and sides")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    path = pathlib.Path(__file__).with_name("libraries.tsv")
    lines = path.read_text().splitlines() if path.exists() else []
    known = set(timm.list_models())
    if arguments.list:
        taken = {line.split("\t")[1].removeprefix("timm:") for line in lines}
        families = {re.match("[a-z]*", name).group() for name in taken & known}
        print(" ".join(sorted(n for n in known - taken if re.match("[a-z]*", n).group() in families)))
        return
    added = dict(zip(arguments.networks[::2], arguments.networks[1::2]))
    kept = [line for line in lines if line.split("\t")[0] not in added]
    rows = added or {ours: size for ours, _, size, *_ in (line.split("\t") for line in lines)}
    made_lines = kept if added else []
    for ours, size in rows.items():
        if ours in torchvision.models.list_models():
            made_lines.append(line(ours, "torchvision", ours, int(size)))
        if TIMM.get(ours, ours) in known:
            made_lines.append(line(ours, "timm", TIMM.get(ours, ours), int(size)))
    path.write_text("\n".join(made_lines) + "\n")


if __name__ == "__main__":
    main()
