"""What the recipes share: reproducible runs, data as arrays, checkpoints, and writing a model folder."""

import argparse
import gzip
import io
import json
import random
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file


def arguments(description, **defaults):
    """Parses the flags every recipe takes; `defaults` are the recipe's own numbers (epochs=…, batch=…)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the data sets")
    parser.add_argument("--output", type=Path, required=True, help="model folder to write")
    parser.add_argument("--checkpoint", type=Path, help="file to resume from and to write after each epoch")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    return parser.parse_args()


def seed_everything(seed, threads):
    """Seeds every generator in use. Runs repeat exactly on the same machine and PyTorch version."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    return "cuda" if torch.cuda.is_available() else "cpu"


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


class Averaged:
    """An exponential moving average of a model's floating-point state, used for the saved weights."""

    def __init__(self, model, decay):
        self.decay = decay
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model):
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - self.decay)
            else:
                self.state[name].copy_(value)


def save_checkpoint(path, **parts):
    """Writes a checkpoint whole or not at all."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".partial")
    torch.save(parts, temporary)
    temporary.replace(path)


def load_checkpoint(path):
    return torch.load(path, weights_only=False) if path is not None and path.exists() else None


def escape(token):
    """A token as a line of `vocab.txt`, where backslashes, newlines and tabs are escaped."""
    return token.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def write_model(folder, state, manifest, labels, vocabulary=None):
    """Writes `model.safetensors`, `labels.txt`, `vocab.txt` and `model.json`.

    Metrics measured through the daemon (`measure.py`) in an existing `model.json` are dropped: they belong to
    the weights that are replaced here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: value.detach().float().cpu().contiguous()
        for name, value in state.items()
        if not name.endswith("num_batches_tracked")
    }
    save_file(tensors, str(folder / "model.safetensors"))
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in labels), encoding="utf-8")
    if vocabulary is not None:
        (folder / "vocab.txt").write_text("".join(f"{escape(token)}\n" for token in vocabulary), encoding="utf-8")
    (folder / "model.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
