"""Trains `lenet5` on MNIST and writes `weights/digits`.

LeNet-5 (LeCun et al. 1998, figure 2) with ReLU, max pooling and a linear classifier, on 32×32 images: the digit
with two pixels of zeros around it. Training moves, turns, scales and shears each image a little, which also
prepares the network for the shifted crops of `crops=ten`. AdamW on a one-cycle schedule, and a moving average of
the weights.

    python digits.py --data DATA --output ../digits
"""

import math
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import common
import files

MEAN, STD = 0.1307, 0.3081
PAD, CROP = 4, 32


class LeNet5(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(F.relu(self.fc2(x)))


def prepare(images):
    """What the daemon feeds the network for `crops=center`: zeros around the raw pixels, the crop, then normalised."""
    padded = F.pad(images, (PAD, PAD, PAD, PAD))
    offset = (padded.shape[-1] - CROP) // 2
    crop = padded[:, None, offset : offset + CROP, offset : offset + CROP]
    return (crop.float() / 255 - MEAN) / STD


def augment(images, generator, angle=12.0, scale=0.12, shear=0.15, shift=2.5):
    """Random affine maps of prepared images; outside them lies the background."""
    background = -MEAN / STD
    uniform = lambda limit: (torch.rand(len(images), generator=generator) * 2 - 1) * limit
    turn, lean = uniform(math.radians(angle)), uniform(shear)
    x_scale, y_scale = 1 + uniform(scale), 1 + uniform(scale)
    x_shift, y_shift = uniform(2 * shift / CROP), uniform(2 * shift / CROP)
    rows = [
        torch.stack([x_scale * turn.cos(), -x_scale * turn.sin() + lean, x_shift], 1),
        torch.stack([y_scale * turn.sin(), y_scale * turn.cos(), y_shift], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images - background, grid, padding_mode="zeros", align_corners=False) + background


def main():
    options = common.arguments(__doc__, epochs=24, batch=128, rate=3e-3, decay=0.02, dev=0)
    common.seed_everything(options.seed, options.threads)
    images, labels = load(options.data, "train")
    if options.dev:
        images, held_images = images[: -options.dev], images[-options.dev :]
        labels, held_labels = labels[: -options.dev], labels[-options.dev :]

    model = LeNet5()
    averaged = common.Averaged(model, decay=0.998)
    optimizer = torch.optim.AdamW(model.parameters(), options.rate, weight_decay=options.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.rate, total_steps=options.epochs * (len(images) // options.batch), pct_start=0.2
    )
    generator = torch.Generator().manual_seed(options.seed)
    for epoch in range(options.epochs):
        start, losses = time.time(), []
        for index in torch.randperm(len(images), generator=generator).split(options.batch):
            if len(index) < options.batch:
                break
            loss = F.cross_entropy(model(augment(prepare(images[index]), generator)), labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            averaged.update(model)
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, {time.time() - start:.0f} s", flush=True)

    model.load_state_dict(averaged.state)
    if options.dev:
        print(f"held-out top-1 {accuracy(model, held_images, held_labels):.4f}")
        return
    common.write_model(options.output, averaged.state, manifest(), [str(digit) for digit in range(10)])
    print(f"test top-1 {accuracy(model, *load(options.data, 'test')):.4f}")


def load(data, split):
    images = files.read_idx(data / "mnist" / f"{split}-images-idx3-ubyte.gz")
    labels = files.read_idx(data / "mnist" / f"{split}-labels-idx1-ubyte.gz")
    return torch.from_numpy(images.copy()), torch.from_numpy(labels.astype(np.int64))


@torch.no_grad()
def accuracy(model, images, labels):
    logits = torch.cat([model(prepare(part)) for part in images.split(500)])
    return (logits.argmax(1) == labels).float().mean().item()


def manifest():
    return {
        "architecture": "lenet5",
        "task": "image-classification",
        "classes": 10,
        "labels": "labels.txt",
        "weights": "model.safetensors",
        "preprocessing": {
            "resize": 28, "pad": PAD, "crop": CROP, "interpolation": "bilinear", "color": "gray",
            "scale": 1 / 255, "mean": [MEAN], "std": [STD], "mirror": False,
        },
        "provenance": {
            "source": "weights/recipes/digits.py",
            "license": "the project's own weights, trained from random initialisation",
            "dataset": "MNIST (LeCun, Cortes, Burges)",
        },
    }


if __name__ == "__main__":
    main()
