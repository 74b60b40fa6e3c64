"""Trains `lenet5` and a `gru` to say of each frame which digit moves and which way, and writes `weights/clips`.

The clips are those of `moving.py`: digits that pass behind a bar and that shutters hide. The features that LeNet-5 has of
a frame, halved in size, go through one GRU (`cnn_rnn`; Donahue et al., CVPR 2015), which reads forwards only, so that
frames may come one by one. The same LeNet-5 without the GRU is trained in the same way on the same frames; what it
reaches is `provenance.baseline`, and `--baseline` writes it as a model of its own.

A label is a pair of a digit and a direction. Each epoch has a new clip of each digit of the training files but the last
`dev`, which choose the epoch.

    python clips.py --data DATA --output ../clips
"""

import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import common
import digits
import files
import fitting
import moving

SIDE = 32  # of what LeNet-5 takes
MEAN, STD = 0.13, 0.22
MAX_LENGTH = 256


class Features(digits.LeNet5):
    """LeNet-5 up to what its last layer takes."""

    def __init__(self):
        super().__init__()
        self.size = self.fc3.in_features
        self.fc3 = nn.Identity()


class Watcher(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.cnn = Features()
        self.rnn = nn.GRU(self.cnn.size, hidden, batch_first=True)
        self.head = nn.Linear(hidden, len(moving.LABELS))

    def forward(self, frames):
        """*Shape*: clips × frames × 1 × side × side → clips × frames × labels."""
        return self.head(self.rnn(self.cnn(frames.flatten(0, 1)).unflatten(0, frames.shape[:2]))[0])


class Glancer(digits.LeNet5):
    """The same extractor without a memory."""

    def __init__(self):
        super().__init__(len(moving.LABELS))

    def forward(self, frames):
        return super().forward(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])


def prepare(clips):
    """What the daemon feeds the network: each frame halved as Pillow does, then normalised."""
    frames = torch.from_numpy(np.stack([clip.frames for clip in clips]))
    halved = F.interpolate(frames, size=(SIDE, SIDE), mode="bilinear", antialias=True)
    return ((halved.float() / 255 - MEAN) / STD)[:, :, None]


def targets(numbers, clips):
    """The number of the label of each clip and frame."""
    directions = torch.from_numpy(np.stack([clip.directions for clip in clips]))
    return torch.from_numpy(numbers)[:, None] * len(moving.DIRECTIONS) + directions


def fit(name, model, options, train, dev):
    """Trains a network; returns its averaged weights of the epoch that is best on `dev`, as 16-bit floats have them."""
    path = options.checkpoint and options.checkpoint.with_stem(f"{options.checkpoint.stem}-{name}")
    if state := common.load_checkpoint(path):
        return state["best"]
    generator = torch.Generator().manual_seed(options.seed)
    images, numbers = train
    model.to(memory_format=torch.channels_last)
    fitter = fitting.Fitter(model, options, options.epochs * (len(images) // options.batch), 0.998, pct_start=0.2)
    judge = type(model)(*([options.hidden] if isinstance(model, Watcher) else []))
    for epoch in range(options.epochs):
        start, losses = time.time(), []
        rng = np.random.default_rng([options.seed, epoch])
        model.train()
        for rows in fitting.shuffled(len(images), options.batch, generator):
            clips = [moving.render(image, rng) for image in images[rows]]
            loss = F.cross_entropy(model(prepare(clips)).flatten(0, 1), targets(numbers[rows], clips).flatten())
            losses.append(fitter.step(loss))
        judge.load_state_dict(fitter.averaged.state)
        scores = evaluate(judge, *dev, options.seed)
        fitter.keep_if_best(scores["accuracy"])
        print(f"{name}, epoch {epoch + 1}: loss {np.mean(losses):.4f}, {time.time() - start:.0f} s, {scores}", flush=True)
    best = fitting.half(fitter.best[1])
    common.save_checkpoint(path, best=best)
    return best


@torch.no_grad()
def evaluate(model, images, numbers, seed):
    model.eval()
    clips = list(moving.clips(images, seed))
    logits = [model(prepare(clips[first : first + 50])) for first in range(0, len(clips), 50)]
    return moving.score(torch.cat(logits).argmax(-1).numpy(), numbers, clips)


def load(data, split):
    images = files.read_idx(data / "mnist" / f"{split}-images-idx3-ubyte.gz")
    return images, files.read_idx(data / "mnist" / f"{split}-labels-idx1-ubyte.gz").astype(np.int64)


def main():
    options = common.arguments(
        __doc__, epochs=5, batch=32, rate=3e-3, decay=0.02, hidden=128, dev=2000, baseline="",
    )
    common.seed_everything(options.seed, options.threads)
    images, numbers = load(options.data, "train")
    train, dev = (images[: -options.dev], numbers[: -options.dev]), (images[-options.dev :], numbers[-options.dev :])
    test, scores = load(options.data, "test"), {}
    for name, model in (("memory", Watcher(options.hidden)), ("baseline", Glancer())):
        model.load_state_dict(fit(name, model, options, train, dev))
        scores[name] = evaluate(model, *test, moving.TEST_SEED)
        print(f"{name}, test: {scores[name]}", flush=True)
        if name == "memory":
            watcher = model
        elif options.baseline:
            common.write_model(Path(options.baseline), model.state_dict(), baseline(), moving.LABELS, dtype=torch.float16)
    common.write_model(
        options.output, watcher.state_dict(), manifest(scores["baseline"]), moving.LABELS, dtype=torch.float16
    )


PREPROCESSING = {
    "resize": SIDE, "crop": SIDE, "interpolation": "bilinear", "color": "gray",
    "scale": 1 / 255, "mean": [MEAN], "std": [STD], "mirror": False,
}


def baseline():
    return {
        "architecture": "lenet5", "task": "image-classification", "labels": "labels.txt",
        "weights": "model.safetensors", "preprocessing": PREPROCESSING,
    }


def manifest(scores):
    return {
        "architecture": "cnn_rnn",
        "task": "token-classification",
        "labels": "labels.txt",
        "weights": "model.safetensors",
        "options": {"extractor": "lenet5", "cell": "gru"},
        "input": {"kind": "frames", "max_length": MAX_LENGTH},
        "preprocessing": PREPROCESSING,
        "provenance": {
            "source": "weights/recipes/clips.py",
            "license": "the project's own weights, trained from random initialisation",
            "dataset": "clips of moving digits of MNIST (LeCun, Cortes, Burges), made by weights/recipes/moving.py",
            "baseline": {
                **{name: score for name, score in scores.items() if not name.endswith(("clips", "frames"))},
                "of": "the same extractor without memory, trained the same way, in PyTorch",
            },
        },
    }


if __name__ == "__main__":
    main()
