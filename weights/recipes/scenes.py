"""Trains `show_attend_tell` (Xu et al. 2015, soft attention, deep output) on pictures of its own and writes `weights/scenes`.

`pictures.py` renders two coloured shapes in a relation, with five captions each; combinations of colour, shape and role
that the test pictures have are in no picture of training. The extractor is `resnet20` at 48×48 pixels and then at 64×64,
where its last map has 16 × 16 positions. Each epoch has pictures of its own, and each picture of a batch goes with two
of its captions, drawn at random. Three of ten words that the decoder reads are replaced by others (Bowman et al. 2016,
§3.1): what comes next it has to see, for which shapes go with which colours and places is another matter in the test.

    python scenes.py --output scenes48 --checkpoint 48.pt --threads 1
    python scenes.py --start scenes48 --side 64 --epochs 3 --rate 1e-3 --output ../scenes --checkpoint 64.pt --threads 1
"""

import argparse
import time

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

import cifar10
import common
import fitting
import pictures

MEAN, STD = [0.4] * 3, [0.2] * 3
START, END = "<start>", "<end>"
MAX_LENGTH = 20


class Features(cifar10.ResNet20):
    """The last map of `resnet20`."""

    def __init__(self):
        super().__init__()
        del self.fc

    def forward(self, x):
        return self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))


class ShowAttendTell(nn.Module):
    def __init__(self, vocabulary, embedding=64, hidden=128, keys=64, features=64):
        super().__init__()
        self.cnn = Features()
        self.init_h, self.init_c = nn.Linear(features, hidden), nn.Linear(features, hidden)
        self.attention = nn.ModuleDict({
            "Ua": nn.Linear(features, keys), "Wa": nn.Linear(hidden, keys, bias=False),
            "Va": nn.Linear(keys, 1, bias=False),
        })
        self.beta = nn.Linear(hidden, 1)
        self.decoder = nn.ModuleDict({
            "embedding": nn.Embedding(vocabulary, embedding),
            "rnn": nn.LSTM(embedding + features, hidden, batch_first=True),
        })
        self.deep = nn.ModuleDict({"h": nn.Linear(hidden, embedding), "z": nn.Linear(features, embedding)})
        self.head = nn.Linear(embedding, vocabulary)

    def begin(self, x):
        """What the decoder looks at, positions × features with their keys, and its first state."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.training):
            maps = self.cnn(x)
        values = maps.float().flatten(2).mT
        mean = values.mean(1)
        return (values, self.attention["Ua"](values)), (self.init_h(mean).tanh(), self.init_c(mean).tanh())

    def step(self, token, memory, state):
        """The logits of the token that follows, the state behind it, and where the decoder looked."""
        values, keys = memory
        h, c = state
        weights = self.attention["Va"]((keys + self.attention["Wa"](h)[:, None]).tanh())[..., 0].softmax(1)
        z = self.beta(h).sigmoid() * (weights[:, None] @ values)[:, 0]
        embedded = self.decoder["embedding"](token)
        _, (h, c) = self.decoder["rnn"](torch.cat([embedded, z], 1)[:, None], (h[None], c[None]))
        logits = self.head(embedded + self.deep["h"](F.dropout(h[0], 0.3, self.training)) + self.deep["z"](z))
        return logits, (h[0], c[0]), weights

    def loss(self, x, read, tokens, each):
        """Cross entropy of captions, `each` for every picture in its order, where the decoder reads others; 0, the end, fills
        the shorter ones up."""
        memory, state = self.begin(x)
        memory, state = ([part.repeat_interleave(each, 0) for part in parts] for parts in (memory, state))
        total = 0
        for column in range(tokens.shape[1] - 1):
            logits, state, _ = self.step(read[:, column], memory, state)
            is_open = (tokens[:, column] != 0).float()
            total = total + (F.cross_entropy(logits, tokens[:, column + 1], reduction="none") * is_open).sum()
        return total / (tokens[:, :-1] != 0).sum()

    @torch.no_grad()
    def write(self, x, start):
        """The likeliest token, again and again, and where the decoder looked for each."""
        memory, state = self.begin(x)
        token, tokens, maps = torch.full((len(x),), start), [], []
        for _ in range(MAX_LENGTH):
            logits, state, weights = self.step(token, memory, state)
            token = logits.argmax(1)
            tokens.append(token)
            maps.append(weights)
        return torch.stack(tokens, 1), torch.stack(maps, 1)


class Split:
    """Pictures as the network sees them, and their captions as tokens."""

    def __init__(self, name, count, index, side, first=0):
        images, self.scenes, self.places = zip(*pictures.scenes(name, count, first))
        seen = np.stack([np.asarray(image.resize((side, side), Image.BILINEAR)) for image in images])
        self.images = torch.from_numpy(seen).permute(0, 3, 1, 2).contiguous()
        rows = [[index[START], *(index[word] for word in text.split()), 0]
                for drawn in self.scenes for text in pictures.captions(drawn)]
        width = max(map(len, rows))
        self.tokens = torch.tensor([row + [0] * (width - len(row)) for row in rows]).view(count, -1, width)


def prepare(images):
    return ((images.float() / 255 - MEAN[0]) / STD[0]).contiguous(memory_format=torch.channels_last)


def judge(model, split, vocabulary):
    """The share of captions that say what is there, and of the weight of colours and shapes that lies on their thing."""
    model.eval()
    right, on_thing = [], []
    for first in range(0, len(split.images), 250):
        tokens, maps = model.write(prepare(split.images[first : first + 250]), len(vocabulary) - 1)
        for i, (row, looked) in enumerate(zip(tokens.tolist(), maps), first):
            words = [vocabulary[token] for token in (row[: row.index(0)] if 0 in row else row)]
            said = pictures.facts(" ".join(words))
            right.append(said == split.scenes[i])
            if right[-1]:
                side = int(looked.shape[1] ** 0.5)
                maps_of_words = looked.view(-1, side, side).numpy()
                on_thing += pictures.looks(words, maps_of_words, split.scenes[i], split.places[i])
    return np.mean(right), np.mean(on_thing) if on_thing else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=common.Path, required=True, help="model folder to write")
    parser.add_argument("--start", type=common.Path, help="model folder whose weights are trained on")
    parser.add_argument("--checkpoint", type=common.Path, help="file to resume from and to write after each epoch")
    for name, value in dict(
        seed=1, threads=1, side=48, epochs=9, batch=64, pictures=20_000, dev=500, test=2000, rate=3e-3, decay=0.01, other=0.3
    ).items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    options = parser.parse_args()
    common.seed_everything(options.seed, options.threads)
    words = {w for r in pictures.ROLES for c in pictures.COLORS for s in pictures.SHAPES
             for text in pictures.captions(((c, s), r, (c, s))) for w in text.split()}
    vocabulary = [END, *sorted(words), START]
    index = {word: i for i, word in enumerate(vocabulary)}
    dev = Split("dev", options.dev, index, options.side)
    model = ShowAttendTell(len(vocabulary)).to(memory_format=torch.channels_last)
    if options.start:
        model.load_state_dict(load_file(options.start / "model.safetensors"))
    steps = options.epochs * (options.pictures // options.batch)
    fitter = fitting.Fitter(model, options, steps, 0.995, pct_start=0.15, final_div_factor=100)
    parts = {"model": model, "optimizer": fitter.optimizer, "schedule": fitter.schedule}
    first = 0
    if state := common.load_checkpoint(options.checkpoint):
        first, fitter.averaged.state, fitter.best = state["epoch"], state["averaged"], state["best"]
        for key, part in parts.items():
            part.load_state_dict(state[key])
    averaged = ShowAttendTell(len(vocabulary))
    for epoch in range(first, options.epochs):
        start, losses = time.process_time(), []
        train = Split("train", options.pictures, index, options.side, epoch * options.pictures)
        generator = torch.Generator().manual_seed(options.seed * 1000 + epoch)
        model.train()
        for rows in fitting.shuffled(len(train.images), options.batch, generator):
            wordings = torch.rand((len(rows), 5), generator=generator).argsort(1)[:, :2]
            tokens = train.tokens[rows[:, None], wordings].flatten(0, 1)
            others = torch.randint(1, len(vocabulary) - 1, tokens.shape, generator=generator)
            changes = (torch.rand(tokens.shape, generator=generator) < options.other) & (tokens != 0)
            changes[:, 0] = False
            read = torch.where(changes, others, tokens)
            losses.append(fitter.step(model.loss(prepare(train.images[rows]), read, tokens, each=2)))
        averaged.load_state_dict(fitter.averaged.state)
        right, on_thing = judge(averaged, dev, vocabulary)
        fitter.keep_if_best(right)
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, dev {right:.4f}, looks {on_thing:.3f}, "
              f"{time.process_time() - start:.0f} s", flush=True)
        common.save_checkpoint(
            options.checkpoint, epoch=epoch + 1, averaged=fitter.averaged.state, best=fitter.best,
            **{key: part.state_dict() for key, part in parts.items()},
        )

    common.write_model(options.output, fitter.best[1], manifest(options.side), None, vocabulary, torch.float16)
    averaged.load_state_dict(fitting.half(fitter.best[1]))
    right, on_thing = judge(averaged, Split("test", options.test, index, options.side), vocabulary)
    print(f"test: {right:.4f} say what is there; {on_thing:.3f} of the weight of colours and shapes is on the thing")


def manifest(side):
    return {
        "architecture": "show_attend_tell",
        "task": "image-captioning",
        "weights": "model.safetensors",
        "options": {"extractor": "resnet20"},
        "preprocessing": {
            "resize": [side, side], "crop": None, "interpolation": "bilinear", "color": "rgb", "scale": 1 / 255,
            "mean": MEAN, "std": STD,
        },
        "output": {
            "kind": "text", "tokenizer": "words", "vocabulary": "vocab.txt", "start": START, "end": END, "max_length": MAX_LENGTH,
        },
        "provenance": {
            "source": "weights/recipes/scenes.py",
            "license": "the project's own weights, trained from random initialisation",
            "dataset": "pictures that the recipe renders (pictures.py)",
        },
    }


if __name__ == "__main__":
    main()
