"""Trains `resnet20` (He et al. 2015, §4.2, shortcut A) on CIFAR-10 and writes `weights/cifar10`.

Two phases, each one cycle of SGD with Nesterov momentum: the images as they are, then enlarged to 40×40, at which
the model is served (progressive resizing; a network without fully connected hidden layers takes any size). The
paper's augmentation: an eighth of the side as padding on each side, a random crop, a horizontal flip. What is saved
is a moving average of the weights.

    python cifar10.py --data DATA --output ../cifar10 --checkpoint cifar10.pt
"""

import time

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F

import common
import files

SIZE = 40  # the side at which the model is served
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


def enlarge(images, side):
    """Images N×H×W×3 resized to side×side as Pillow does, N×3×side×side."""
    if images.shape[1] != side:
        images = np.stack([np.asarray(Image.fromarray(x).resize((side, side), Image.BICUBIC)) for x in images])
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


def batches(images, labels, size, generator):
    """One epoch of augmented batches; `images` are uint8, N×3×side×side."""
    side, pad = images.shape[2], images.shape[2] // 8
    padded = F.pad(images, (pad, pad, pad, pad))
    for index in torch.randperm(len(images), generator=generator).split(size):
        if len(index) < size:
            return
        rows, columns = torch.randint(0, 2 * pad + 1, (2, len(index)), generator=generator)
        flips = torch.rand(len(index), generator=generator) < 0.5
        i = rows[:, None] + torch.arange(side)
        j = columns[:, None] + torch.arange(side)
        j = torch.where(flips[:, None], j.flip(1), j)
        crops = padded[index[:, None, None, None], torch.arange(3)[None, :, None, None], i[:, None, :, None], j[:, None, None, :]]
        yield crops, labels[index]


class Phase:
    """One cycle of the learning rate over some epochs at one size, with what a checkpoint needs to go on."""

    def __init__(self, model, images, epochs, rate, decay, batch):
        self.images, self.epochs, self.batch = images, epochs, batch
        self.optimizer = torch.optim.SGD(model.parameters(), rate, momentum=0.9, nesterov=True, weight_decay=decay)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, rate, total_steps=epochs * (len(images) // batch), pct_start=0.2,
            anneal_strategy="linear", final_div_factor=1e3,
        )

    def run_epoch(self, model, averaged, labels, prepare, generator):
        losses = []
        model.train()
        for x, y in batches(self.images, labels, self.batch, generator):
            loss = F.cross_entropy(model(prepare(x)), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            averaged.update(model)
            losses.append(loss.item())
        return np.mean(losses)


def main():
    options = common.arguments(
        __doc__, epochs=30, rate=0.2, decay=5e-4, enlarged_epochs=20, enlarged_rate=0.1, enlarged_decay=3e-4, batch=128
    )
    device = common.seed_everything(options.seed, options.threads)
    cache = options.checkpoint.parent if options.checkpoint else None
    read = lambda split: files.read_image_zip(
        options.data / "cifar10-jpeg.zip", split, cache and cache / f"cifar10-{split}.npz"
    )
    images, labels, classes = read("train")
    targets = torch.from_numpy(labels).to(device)
    mean, std = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (MEAN, STD))
    prepare = lambda x: ((x.to(device).float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)

    model = ResNet20(len(classes)).to(device).to(memory_format=torch.channels_last)
    averaged = common.Averaged(model, decay=0.998)
    state = common.load_checkpoint(options.checkpoint) or {"phase": 0, "epoch": 0}
    if "model" in state:
        model.load_state_dict(state["model"])
        averaged.state = state["averaged"]
    plans = [
        (32, options.epochs, options.rate, options.decay),
        (SIZE, options.enlarged_epochs, options.enlarged_rate, options.enlarged_decay),
    ]
    for number, (side, epochs, rate, decay) in enumerate(plans):
        if number < state["phase"]:
            continue
        phase = Phase(model, enlarge(images, side), epochs, rate, decay, options.batch)
        first = state["epoch"] if number == state["phase"] else 0
        if first:
            phase.optimizer.load_state_dict(state["optimizer"])
            phase.schedule.load_state_dict(state["schedule"])
        for epoch in range(first, epochs):
            start = time.time()
            generator = torch.Generator().manual_seed(options.seed * 1000 + 100 * number + epoch)
            loss = phase.run_epoch(model, averaged, targets, prepare, generator)
            print(f"{side}×{side}, epoch {epoch + 1}: loss {loss:.4f}, {time.time() - start:.0f} s", flush=True)
            common.save_checkpoint(
                options.checkpoint, phase=number, epoch=epoch + 1, model=model.state_dict(), averaged=averaged.state,
                optimizer=phase.optimizer.state_dict(), schedule=phase.schedule.state_dict(),
            )

    common.write_model(options.output, averaged.state, manifest(classes), classes)
    model.load_state_dict(averaged.state)
    model.eval()
    images, labels, _ = read("test")
    with torch.no_grad():
        logits = torch.cat([model(prepare(x)).cpu() for x in enlarge(images, SIZE).split(500)])
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
            "resize": SIZE, "pad": SIZE // 8, "crop": SIZE, "interpolation": "bicubic", "color": "rgb",
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
