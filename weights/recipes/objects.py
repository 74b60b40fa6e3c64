"""Trains `resnet18` (He et al. 2015, Table 1) on the photographs of Caltech-101 and writes `weights/objects` in float16.

One cycle of SGD with Nesterov momentum at sides that grow to the 112 pixels of the served crops (progressive
resizing), under random crops of a quarter of the image or more, flips and changes of brightness and contrast, with
smoothed labels. The classes are the 99 of the archive.

    python objects.py --data DATA --output ../objects --checkpoint objects.pt
"""

import io
import math
import zipfile

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

import common
from training import Trainer

RESIZE, CROP = 128, 112
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
SIDES = [(0.55, 64), (0.85, 96), (1.0, CROP)]  # until which share of the epochs crops have which side


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.downsample(x) if self.downsample else x))


class ResNet18(nn.Module):
    """With torchvision's tensor names."""

    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            nn.Sequential(BasicBlock(inputs, outputs, stride), BasicBlock(outputs, outputs, 1))
            for inputs, outputs, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2))
        )
        self.fc = nn.Linear(512, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(module, BasicBlock):
                nn.init.zeros_(module.bn2.weight)  # every block begins as the identity

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3)))


def read(path, split):
    """Photographs of a split in RGB, each with its own size, their labels, and the names of the classes."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(n for n in archive.namelist() if n.startswith(split + "/") and n.endswith(".jpg"))
        images = [Image.open(io.BytesIO(archive.read(n))).convert("RGB") for n in names]
    classes = sorted({n.split("/")[1] for n in names})
    return images, torch.tensor([classes.index(n.split("/")[1]) for n in names]), classes


def random_crop(image, side, generator):
    """A crop of 25 to 100 % of the area and a ratio of ¾ to 4⁄3, resized to side×side and perhaps mirrored."""
    uniform = lambda low, high: low + (high - low) * torch.rand((), generator=generator).item()
    ratio = math.exp(uniform(math.log(3 / 4), math.log(4 / 3)))
    area = uniform(0.25, 1) * image.width * image.height
    width, height = min(math.sqrt(area * ratio), image.width), min(math.sqrt(area / ratio), image.height)
    left, top = uniform(0, image.width - width), uniform(0, image.height - height)
    crop = image.resize((side, side), Image.BILINEAR, box=(left, top, left + width, top + height))
    pixels = np.asarray(crop, np.float32)
    pixels = (pixels - pixels.mean()) * uniform(0.7, 1.3) + pixels.mean() * uniform(0.7, 1.3)
    return (pixels[:, ::-1] if uniform(0, 1) < 0.5 else pixels).clip(0, 255).astype(np.uint8)


def center_crop(image):
    """What the daemon feeds the network for `crops=center`."""
    short = min(image.size)
    width, height = (RESIZE * side // short for side in image.size)
    image = image.resize((width, height), Image.BILINEAR)
    left, top = round((width - CROP) / 2), round((height - CROP) / 2)
    return np.asarray(image.crop((left, top, left + CROP, top + CROP)))


def planes(images):
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def main():
    options = common.arguments(__doc__, epochs=48, rate=0.2, decay=5e-4, smoothing=0.1, batch=64)
    trainer = Trainer(options, MEAN, STD)
    path = options.data / "caltech101-short144.zip"
    images, labels, classes = read(path, "train")
    targets = labels.to(trainer.device)

    def batches(epoch, generator):
        side = next(side for share, side in SIDES if epoch < share * options.epochs)
        for index in torch.randperm(len(images), generator=generator).split(options.batch):
            if len(index) == options.batch:
                yield planes([random_crop(images[i], side, generator) for i in index.tolist()]), index

    model = ResNet18(len(classes))
    trainer.fit(
        "objects", model, options.epochs, len(images) // options.batch, options.rate, options.decay, batches,
        lambda logits, index: F.cross_entropy(logits, targets[index], label_smoothing=options.smoothing),
    )
    common.write_model(options.output, model.state_dict(), manifest(classes), classes, dtype=torch.float16)
    test_images, test_labels, _ = read(path, "test")
    ranks = trainer.logits(model, planes([center_crop(image) for image in test_images])).cpu().argsort(1, descending=True)
    hits = ranks == test_labels[:, None]
    print(f"test top-1 {hits[:, :1].any(1).float().mean():.4f}, top-5 {hits[:, :5].any(1).float().mean():.4f}")


def manifest(classes):
    return {
        "architecture": "resnet18",
        "task": "image-classification",
        "classes": len(classes),
        "labels": "labels.txt",
        "weights": "model.safetensors",
        "preprocessing": {
            "resize": RESIZE, "crop": CROP, "interpolation": "bilinear", "color": "rgb",
            "scale": 1 / 255, "mean": MEAN, "std": STD, "mirror": True,
        },
        "provenance": {
            "source": "weights/recipes/objects.py",
            "license": "the project's own weights, trained from random initialisation",
            "dataset": "Caltech-101 (Fei-Fei et al. 2004, CC BY 4.0) without the classes of people and backgrounds",
        },
    }


if __name__ == "__main__":
    main()
