"""Regions of micrographs, as the product proposes and transforms them, and what becomes of their boxes."""

import json
import subprocess
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from boxes import overlaps

SIZE, PADDING = 24, 3  # a region's input, and what of it shows the surroundings
MEAN = np.array([188, 178, 183]) / 255  # of the micrographs; what an input shows where there is no image
OVERLAP = 0.3  # of suppression


def propose(martlet, micrographs, limit, threads, cache):
    """Up to `limit` boxes of each micrograph, the best first, as the daemon finds them."""
    if cache and cache.exists():
        return dict(np.load(cache))
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.jpg" for name in micrographs]
        for path, (file, _) in zip(paths, micrographs.values()):
            path.write_bytes(file)
        command = [martlet, "propose", "--limit", str(limit), "--threads", str(threads), *map(str, paths)]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    boxes = {name: np.array(json.loads(line)["boxes"], np.int64) for name, line in zip(micrographs, lines, strict=True)}
    if cache:
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, **boxes)
    return boxes


def nearest(value):
    """The nearest whole number; halves away from zero, as the daemon rounds."""
    return int(np.floor(abs(value) + 0.5)) * (1 if value >= 0 else -1)


def span(low, high, length):
    """What an input shows of one axis of a region: the part of the image, and where it lies on the input."""
    half = (high - low) / (SIZE - 2 * PADDING) * SIZE / 2
    first = nearest((low + high) / 2 - half)
    end = max(first + 1, nearest((low + high) / 2 + half))
    part = max(first, 0), min(end, length)
    place = [nearest((x - first) * SIZE / (end - first)) for x in part]
    start = min(place[0], SIZE - 1)
    return *part, start, max(start + 1, place[1])


def warp(image, boxes):
    """Regions as inputs, N x SIZE x SIZE x 3, to the pixel as the daemon makes them."""
    inputs = np.empty((len(boxes), SIZE, SIZE, 3), np.uint8)
    inputs[:] = np.round(MEAN * 255)
    for index, (left, top, right, bottom) in enumerate(boxes):
        x0, x1, u0, u1 = span(left, right, image.width)
        y0, y1, v0, v1 = span(top, bottom, image.height)
        part = image.crop((x0, y0, x1, y1)).resize((u1 - u0, v1 - v0), Image.BILINEAR)
        inputs[index, v0:v1, u0:u1] = part
    return inputs


class Micrograph:
    """A micrograph with its cells and the regions that are proposed of it."""

    def __init__(self, file, cells, regions):
        self.image = Image.open(BytesIO(file)).convert("RGB")
        self.cells, self.regions = cells, regions

    def of(self, kind):
        return self.cells[self.cells[:, 0] == kind, 1:]

    def samples(self, background, generator):
        """Inputs for fine-tuning with their labels: all that overlap with a cell by 0.5, some of the others; 0 is background."""
        boxes = np.concatenate([self.cells[:, 1:], self.regions])
        shared = overlaps(boxes, self.cells[:, 1:])
        labels = np.where(shared.max(1) >= 0.5, self.cells[shared.argmax(1), 0] + 1, 0)
        others = generator.permutation(np.flatnonzero(labels == 0))[:background]
        chosen = np.concatenate([np.flatnonzero(labels), others])
        return warp(self.image, boxes[chosen]), labels[chosen]


def suppressed(boxes, scores):
    """The places of the boxes that are kept, the best first."""
    order, kept = np.argsort(-scores, kind="stable"), []
    while len(order):
        kept.append(order[0])
        rest = order[1:]
        order = rest[overlaps(boxes[order[:1]], boxes[rest])[0] <= OVERLAP]
    return np.array(kept, int)


def offsets(boxes, cells):
    """What takes boxes to cells: Girshick et al. 2014, equations 6 to 9."""
    size, wanted = boxes[:, 2:] - boxes[:, :2], cells[:, 2:] - cells[:, :2]
    return np.hstack([(cells[:, :2] + wanted / 2 - boxes[:, :2] - size / 2) / size, np.log(wanted / size)])


def moved(boxes, offsets, image):
    size = (boxes[:, 2:] - boxes[:, :2]) * np.exp(offsets[:, 2:])
    center = (boxes[:, 2:] + boxes[:, :2]) / 2 + (boxes[:, 2:] - boxes[:, :2]) * offsets[:, :2]
    return np.hstack([center - size / 2, center + size / 2]).clip(0, [image.width, image.height] * 2)
