"""Boxes without PyTorch: BCCD's micrographs, overlaps, and the average precision of PASCAL VOC 2010."""

import csv
import io
import zipfile
from collections import defaultdict

import numpy as np

CELLS = ["RBC", "WBC", "Platelets"]


def read_cells(data, split):
    """Micrographs by name, in order: the JPEG file, and a row for each cell: class, xmin, ymin, xmax, ymax, the last two beyond it."""
    cells = defaultdict(list)
    with open(data / "bccd" / f"{split}.tsv", encoding="utf-8", newline="") as lines:
        for name, label, *sides in csv.reader(lines, delimiter="\t"):
            left, top, right, bottom = map(int, sides)
            cells[name].append([CELLS.index(label), left, top, right + 1, bottom + 1])
    with zipfile.ZipFile(data / "bccd" / "images.zip") as archive:
        names = sorted(n for n in archive.namelist() if n.startswith(split + "/") and n.endswith(".jpg"))
        stem = lambda name: name.split("/")[1].removesuffix(".jpg")
        return {stem(n): (archive.read(n), np.array(cells[stem(n)]).reshape(-1, 5)) for n in names}


def overlaps(one, other):
    """Intersection over union of each box with each other one."""
    one, other = (np.asarray(boxes, np.float64).reshape(-1, 4) for boxes in (one, other))
    low, high = np.maximum(one[:, None, :2], other[None, :, :2]), np.minimum(one[:, None, 2:], other[None, :, 2:])
    both = np.prod(np.maximum(high - low, 0), axis=2)
    area = lambda boxes: np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return both / (area(one)[:, None] + area(other)[None, :] - both)


def hits(found, cells):
    """Whether each of an image's boxes, the best first, is a cell that none before it is."""
    taken, right = set(), []
    for row in overlaps(found, cells) if len(cells) else [[]] * len(found):
        best = int(np.argmax(row)) if len(row) else -1
        right.append(best >= 0 and row[best] >= 0.5 and best not in taken)
        if right[-1]:
            taken.add(best)
    return right


def average_precision(scores, right, count):
    """The area under precision over recall, the precision made never to rise (PASCAL VOC 2010)."""
    right = np.cumsum(np.asarray(right, bool)[np.argsort(-np.asarray(scores), kind="stable")])
    recall, precision = right / count, right / np.arange(1, len(right) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0) * precision))
