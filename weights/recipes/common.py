"""What the training recipes share: reproducible runs, checkpoints, averaged weights, and writing a model folder."""

import argparse
import random
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

import files


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
    """A token as a line of `vocab.txt`, where backslashes, newlines, tabs and carriage returns are escaped."""
    return token.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


def write_lines(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def write_model(folder, state, manifest, labels, vocabulary=None, dtype=torch.float32):
    """Writes `model.safetensors`, `model.json` and, for what is given, `labels.txt` and vocabularies.

    `vocabulary` is the tokens of `vocab.txt`, or several such lists by the names of their files.
    Metrics measured through the daemon (`measure.py`) in an existing `model.json` are dropped: they belong to
    the weights that are replaced here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: value.detach().to(dtype).cpu().contiguous()
        for name, value in state.items()
        if not name.endswith("num_batches_tracked")
    }
    save_file(tensors, str(folder / "model.safetensors"))
    (folder / "model.safetensors").chmod(0o644)  # the library writes 0600, which a service's user cannot read
    if labels is not None:
        write_lines(folder / "labels.txt", labels)
    vocabularies = vocabulary if isinstance(vocabulary, dict) else {"vocab.txt": vocabulary} if vocabulary else {}
    for name, tokens in vocabularies.items():
        write_lines(folder / name, map(escape, tokens))
    files.write_manifest(folder, manifest)
