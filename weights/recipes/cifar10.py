"""Trains `resnet20` (He et al. 2015, §4.2, shortcut A) on CIFAR-10 and writes `weights/cifar10`.

Standard augmentation of the paper (4 pixels of padding, a random 32×32 crop, a horizontal flip), SGD with
Nesterov momentum on a one-cycle schedule, and a moving average of the weights.

    python cifar10.py --data DATA --output ../cifar10 --checkpoint /tmp/cifar10.pt
"""

import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import common

MEAN, STD = [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.padding = stride, outputs - inputs

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.stride > 1 or self.padding:  # shortcut A: subsample, pad new channels with zeros, half on each side
            half = self.padding // 2
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, self.padding - half))
        return F.relu(y + x)


class ResNet20(nn.Module):
    def __init__(self, classes=10, blocks=3):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self.stage(16, 16, blocks, 1)
        self.layer2 = self.stage(16, 32, blocks, 2)
        self.layer3 = self.stage(32, 64, blocks, 2)
        self.fc = nn.Linear(64, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    @staticmethod
    def stage(inputs, outputs, blocks, stride):
        return nn.Sequential(*[Block(inputs if i == 0 else outputs, outputs, stride if i == 0 else 1) for i in range(blocks)])

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.fc(x.mean((2, 3)))


def batches(images, labels, size, generator):
    """One epoch of augmented batches; `images` are uint8, N×3×32×32."""
    padded = F.pad(images, (4, 4, 4, 4))
    for index in torch.randperm(len(images), generator=generator).split(size):
        if len(index) < size:
            return
        rows, columns = torch.randint(0, 9, (2, len(index)), generator=generator)
        flips = torch.rand(len(index), generator=generator) < 0.5
        i = rows[:, None] + torch.arange(32)
        j = columns[:, None] + torch.arange(32)
        j = torch.where(flips[:, None], j.flip(1), j)
        crops = padded[index[:, None, None, None], torch.arange(3)[None, :, None, None], i[:, None, :, None], j[:, None, None, :]]
        yield crops, labels[index]


def main():
    options = common.arguments(__doc__, epochs=30, batch=128, rate=0.2, decay=5e-4)
    device = common.seed_everything(options.seed, options.threads)
    cache = options.checkpoint.parent if options.checkpoint else None
    read = lambda split: common.read_image_zip(
        options.data / "cifar10-jpeg.zip", split, cache and cache / f"cifar10-{split}.npz"
    )
    images, labels, classes = read("train")
    images, labels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels)
    mean, std = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (MEAN, STD))
    prepare = lambda x: ((x.to(device).float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)

    model = ResNet20(len(classes)).to(device).to(memory_format=torch.channels_last)
    averaged = common.Averaged(model, decay=0.998)
    optimizer = torch.optim.SGD(model.parameters(), options.rate, momentum=0.9, nesterov=True, weight_decay=options.decay)
    steps = options.epochs * (len(images) // options.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.rate, total_steps=steps, pct_start=0.2, anneal_strategy="linear", final_div_factor=1e3
    )
    first = 0
    if state := common.load_checkpoint(options.checkpoint):
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        averaged.state, first = state["averaged"], state["epoch"]

    for epoch in range(first, options.epochs):
        generator = torch.Generator().manual_seed(options.seed * 1000 + epoch)
        start, losses = time.time(), []
        model.train()
        for x, y in batches(images, labels, options.batch, generator):
            loss = F.cross_entropy(model(prepare(x)), y.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            averaged.update(model)
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, {time.time() - start:.0f} s", flush=True)
        common.save_checkpoint(
            options.checkpoint, epoch=epoch + 1, model=model.state_dict(), averaged=averaged.state,
            optimizer=optimizer.state_dict(), schedule=schedule.state_dict(),
        )

    common.write_model(options.output, averaged.state, manifest(classes), classes)
    model.load_state_dict(averaged.state)
    model.eval()
    images, labels, _ = read("test")
    with torch.no_grad():
        logits = torch.cat([model(prepare(x)).cpu() for x in torch.from_numpy(images).permute(0, 3, 1, 2).split(500)])
    print(f"test top-1 {(logits.argmax(1).numpy() == labels).mean():.4f}")


def manifest(classes):
    return {
        "architecture": "resnet20",
        "task": "image-classification",
        "classes": len(classes),
        "labels": "labels.txt",
        "weights": "model.safetensors",
        "options": {"shortcut": "A"},
        "preprocessing": {
            "resize": 32, "pad": 4, "crop": 32, "interpolation": "bilinear", "color": "rgb",
            "scale": 1 / 255, "mean": MEAN, "std": STD, "mirror": True,
        },
        "provenance": {
            "source": "weights/recipes/cifar10.py",
            "license": "the project's own weights, trained from random initialisation",
            "dataset": "CIFAR-10 (Krizhevsky 2009), stored as JPEG",
        },
    }


if __name__ == "__main__":
    main()
