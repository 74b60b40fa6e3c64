"""Trains R-CNN (Girshick et al. 2014) on BCCD's micrographs of blood and writes `weights/cells`.

The paper's three steps, on regions that `martlet propose` makes of each micrograph by selective search. First the network, a
`resnet20` that begins with the weights of `cifar10`, learns to tell warped regions of the three kinds of cells from background:
batches of 32 regions that overlap with a cell by at least 0.5 and 96 that do not. Then a linear SVM for each kind, on the
features of its cells against those of regions that overlap with none of the kind by 0.3; hard negatives are mined in one pass
over the micrographs. At last, on regions that overlap with a cell by at least 0.6, a ridge regression to the cell's own box. The
margins of each SVM are scaled to the log-odds of being right (Platt 1999), on micrographs that it has not seen.

    python cells.py --data DATA --martlet PATH --output ../cells --checkpoint cells.pt
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

import common
from boxes import CELLS, average_precision, hits, overlaps, read_cells
from cifar10 import ResNet20
from regions import MEAN, OVERLAP, PADDING, SIZE, Micrograph, moved, offsets, propose, suppressed, warp
from svm import fit_svm, margins, platt

FEATURE = "layer3.2.sum1"
STD = np.array([0.1, 0.15, 0.12])
SCALING = 24  # micrographs that the margins are scaled by


def prepare(pixels):
    values = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(v, dtype=torch.float32).view(1, 3, 1, 1) for v in (MEAN, STD))
    return ((values - mean) / std).contiguous(memory_format=torch.channels_last)


class Trunk(torch.nn.Module):
    """A `resnet20` up to its last map, in one row."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        x = F.relu(self.model.bn1(self.model.conv1(x)))
        return self.model.layer3(self.model.layer2(self.model.layer1(x))).flatten(1)


class Network:
    """The extractor: `resnet20` from the weights of `cifar10`, fine-tuned, up to its last map."""

    def __init__(self, start):
        self.model = ResNet20(len(CELLS) + 1)
        state = {name: value for name, value in load_file(start).items() if not name.startswith("fc.")}
        self.model.load_state_dict(state, strict=False)
        self.model.to(memory_format=torch.channels_last)

    def fine_tune(self, inputs, labels, steps, rate, generator):
        """(N + 1)-way classification by SGD; positives are drawn evenly from the classes."""
        groups = [np.flatnonzero(labels == label) for label in range(len(CELLS) + 1)]
        optimizer = torch.optim.SGD(self.model.parameters(), rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.2)
        self.model.train()
        losses, start = [], time.time()
        for step in range(steps):
            kinds = [*generator.integers(1, len(groups), 32), *[0] * 96]
            rows = [groups[kind][generator.integers(len(groups[kind]))] for kind in kinds]
            x, turn = prepare(inputs[rows]), generator.integers(8)  # cells have no up and no left
            x = x.flip(2) if turn & 1 else x
            x = x.flip(3) if turn & 2 else x
            x = x.transpose(2, 3) if turn & 4 else x
            with torch.autocast("cpu", torch.bfloat16):
                logits = self.model(x.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits.float(), torch.from_numpy(labels[rows]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
            if step % 100 == 99:
                print(f"step {step + 1}: loss {np.mean(losses[-100:]):.4f}, {time.time() - start:.0f} s", flush=True)

    def freeze(self):
        """Makes what computes features, with the batch norms folded into the convolutions."""
        self.model.eval()
        example = prepare(np.zeros((1, SIZE, SIZE, 3), np.uint8))
        traced = torch.jit.freeze(torch.jit.trace(Trunk(self.model).eval(), example))
        self.trunk = torch.jit.optimize_for_inference(traced)

    @torch.no_grad()
    def features(self, image, boxes):
        parts = np.array_split(warp(image, boxes), len(boxes) // 128 + 1)
        return torch.cat([self.trunk(prepare(part)) for part in parts if len(part)]).numpy()


class Kind:
    """One class on its way to an SVM and a box regression."""

    def __init__(self, kind, positives, cost):
        self.kind, self.positives, self.cost = kind, positives, cost
        self.hard, self.random, self.svm = [], [], None
        width = positives.shape[1] + 1
        self.pairs = [np.zeros((width, width)), np.zeros((width, 4))]

    def take(self, micrograph, features, generator):
        """Collects negatives, hard ones once there is an SVM, and pairs of a region and a cell."""
        cells = micrograph.of(self.kind)
        shared = overlaps(micrograph.regions, cells) if len(cells) else np.zeros((len(features), 1))
        negatives = features[generator.permutation(np.flatnonzero(shared.max(1) < 0.3))]
        self.random.append(negatives[:25])
        self.hard.append(negatives[:200] if self.svm is None else negatives[margins(self.svm, negatives) > -1])
        near = np.flatnonzero(shared.max(1) >= 0.6)
        if len(near):
            x = np.hstack([features[near], np.ones((len(near), 1))])
            self.pairs[0] += x.T @ x
            self.pairs[1] += x.T @ offsets(micrograph.regions[near], cells[shared[near].argmax(1)])

    def refit(self):
        """Fits the SVM to the negatives so far, and lets the easy ones go."""
        negatives = np.concatenate(self.hard)
        self.svm = fit_svm(self.positives, negatives, self.cost, self.svm)
        self.hard = [negatives[margins(self.svm, negatives) > -1.2]]
        print(f"{CELLS[self.kind]}: {len(negatives)} negatives, {len(self.hard[0])} hard", flush=True)

    def without_mining(self):
        return fit_svm(self.positives, np.concatenate(self.random), self.cost)

    def regression(self, ridge=1000):
        penalty = np.eye(len(self.pairs[0])) * ridge
        penalty[-1, -1] = 0
        return np.linalg.solve(self.pairs[0] + penalty, self.pairs[1]).astype(np.float32)


def found(svm, regression, kind, pictures):
    """Scores of what an SVM and a regression find in micrographs, and whether each is right."""
    scores, right = [], []
    for micrograph, features in pictures:
        margin = margins(svm, features)
        kept = suppressed(micrograph.regions, margin)
        boxes = micrograph.regions[kept]
        if regression is not None:
            boxes = moved(boxes, features[kept] @ regression[:-1] + regression[-1], micrograph.image)
        scores += list(margin[kept])
        right += hits(boxes, micrograph.of(kind))
    return scores, right


def fit(network, micrographs, cost, generator):
    """The SVMs, mined and not, and the regressions of all classes, on features of length 20 in the mean; and that scale."""
    positives = [network.features(m.image, m.cells[:, 1:]) for m in micrographs]
    kinds_of = np.concatenate([m.cells[:, 0] for m in micrographs])
    positives = np.concatenate(positives)
    scale = np.float32(20 / np.linalg.norm(positives, axis=1).mean())
    kinds = [Kind(k, positives[kinds_of == k] * scale, cost) for k in range(len(CELLS))]
    for index, micrograph in enumerate(micrographs):
        features = network.features(micrograph.image, micrograph.regions) * scale
        for kind in kinds:
            kind.take(micrograph, features, generator)
            if index % 40 == 9 or index == len(micrographs) - 1:
                kind.refit()
    return kinds, scale


def state_of(network, svms, regressions, lines, scale):
    """The model's tensors; the features' scale and that of the margins go into the weights."""
    tensors = {f"cnn.{name}": value for name, value in network.model.state_dict().items() if not name.startswith("fc.")}
    svm = np.stack([np.append(w[:-1] * scale * a, w[-1] * a + b) for w, (a, b) in zip(svms, lines)])
    box = np.concatenate([(np.vstack([r[:-1] * scale, r[-1:]]) if r is not None else np.zeros((svm.shape[1], 4))).T for r in regressions])
    for name, rows in (("svm", svm), ("box", box)):
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = (torch.tensor(v, dtype=torch.float32) for v in (rows[:, :-1], rows[:, -1]))
    return tensors


def main():
    options = arguments()
    common.seed_everything(options.seed, options.threads)
    generator = np.random.default_rng(options.seed)
    cache = options.checkpoint and options.checkpoint.with_suffix(".proposals.npz")
    read = read_cells(options.data, "train")
    regions = propose(options.martlet, read, options.limit, options.threads, cache)
    micrographs = [Micrograph(file, cells, regions[name]) for name, (file, cells) in read.items()]
    if options.dev:
        held, micrographs = micrographs[:: options.dev], [m for i, m in enumerate(micrographs) if i % options.dev]

    network = Network(options.start)
    if state := common.load_checkpoint(options.checkpoint):
        network.model.load_state_dict(state["model"])
    else:
        samples = [m.samples(options.background, generator) for m in micrographs]
        inputs, labels = (np.concatenate(part) for part in zip(*samples))
        network.fine_tune(inputs, labels, options.steps, options.rate, generator)
        common.save_checkpoint(options.checkpoint, model=network.model.state_dict())

    network.freeze()
    scaling, fitted = micrographs[:SCALING], micrographs[SCALING:]
    kinds, scale = fit(network, fitted, options.cost, generator)
    svms, plain, boxes = [k.svm for k in kinds], [k.without_mining() for k in kinds], [k.regression() for k in kinds]
    if options.dev:
        pictures = [(m, network.features(m.image, m.regions) * scale) for m in held]
        for name, chosen, moves in (("", svms, boxes), (", no regression", svms, [None] * 3), (", random negatives", plain, boxes)):
            parts = [found(chosen[k], moves[k], k, pictures) for k in range(len(CELLS))]
            values = [average_precision(*parts[k], sum(len(m.of(k)) for m in held)) for k in range(len(CELLS))]
            print(f"dev{name}: AP {' '.join(f'{CELLS[k]} {v:.4f}' for k, v in enumerate(values))}, mean {np.mean(values):.4f}")
        return
    pictures = [(m, network.features(m.image, m.regions) * scale) for m in scaling]
    none = [None] * len(CELLS)
    write = lambda folder, svms, boxes: common.write_model(
        folder,
        state_of(network, svms, boxes, [platt(*found(svms[k], boxes[k], k, pictures)) for k in range(len(CELLS))], scale),
        manifest(options.limit),
        CELLS,
    )
    write(options.output, svms, boxes)
    if options.variants:  # the paper's ablation
        write(options.variants / "no-regression" / "cells", svms, none)
        write(options.variants / "random-negatives" / "cells", plain, boxes)
        write(options.variants / "neither" / "cells", plain, none)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the data sets")
    parser.add_argument("--martlet", default="martlet", help="the command that proposes regions")
    parser.add_argument("--output", type=Path, required=True, help="model folder to write")
    parser.add_argument("--variants", type=Path, help="folder for the models of the ablation")
    parser.add_argument("--checkpoint", type=Path, help="file for the network, once it is fine-tuned; proposals beside it")
    parser.add_argument("--start", type=Path, default=Path(__file__).parent / "../cifar10/model.safetensors")
    parser.add_argument("--dev", type=int, default=0, help="hold out every Nth micrograph, print the AP there, write nothing")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--background", type=int, default=250, help="regions of a micrograph for the batches' background")
    parser.add_argument("--limit", type=int, default=2000, help="regions of a micrograph")
    parser.add_argument("--cost", type=float, default=1e-3, help="the SVMs' C")
    return parser.parse_args()


def manifest(limit):
    return {
        "architecture": "rcnn",
        "task": "object-detection",
        "classes": len(CELLS),
        "labels": "labels.txt",
        "weights": "model.safetensors",
        "options": {"extractor": "resnet20", "extractor_options": {"shortcut": "A"}, "feature": FEATURE},
        "regions": {
            "method": "selective-search", "mode": "fast", "limit": limit, "transform": "warp", "padding": PADDING,
        },
        "nms": OVERLAP,
        "threshold": 0.5,
        "preprocessing": {
            "resize": [SIZE, SIZE], "interpolation": "bilinear", "color": "rgb", "scale": 1 / 255,
            "mean": list(MEAN), "std": list(STD),
        },
        "provenance": {
            "source": "weights/recipes/cells.py",
            "license": "the project's own weights, trained from those of cifar10",
            "dataset": "BCCD (Shenggan and others, MIT licence)",
        },
    }


if __name__ == "__main__":
    main()
