"""Files that need no PyTorch: data sets as arrays, and `model.json`."""

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def read_idx(path):
    """An IDX file (MNIST's format, gzip) as a uint8 array."""
    data = gzip.decompress(Path(path).read_bytes())
    dimensions = data[3]
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(dimensions)]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def read_image_zip(path, split, cache=None):
    """Images `split/<class>/*.jpg` of a zip as (uint8 array N×H×W×3, labels, class names); all one size."""
    if cache and Path(cache).exists():
        stored = np.load(cache)
        return stored["images"], stored["labels"], list(stored["classes"])
    with zipfile.ZipFile(path) as archive:
        names = sorted(n for n in archive.namelist() if n.startswith(split + "/") and n.endswith(".jpg"))
        classes = sorted({n.split("/")[1] for n in names})
        images = np.stack([np.asarray(Image.open(io.BytesIO(archive.read(n))).convert("RGB")) for n in names])
    labels = np.array([classes.index(n.split("/")[1]) for n in names])
    if cache:
        Path(cache).parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, images=images, labels=labels, classes=np.array(classes))
    return images, labels, classes


def read_temperatures(data):
    """Pairs of a day (`1981-01-01`) and its minimum temperature in °C."""
    with open(Path(data) / "series" / "daily-min-temperatures.csv", encoding="utf-8", newline="") as lines:
        return [(row["Date"], float(row["Temp"])) for row in csv.DictReader(lines)]


def read_tagged(path):
    """Sentences of an UD file with `word<TAB>tag` lines, each a list of such pairs."""
    blocks = Path(path).read_text(encoding="utf-8").strip("\n").split("\n\n")
    return [[tuple(line.split("\t")) for line in block.split("\n") if line] for block in blocks]


def write_manifest(folder, manifest):
    (folder / "model.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
