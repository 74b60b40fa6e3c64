"""Writes captions.safetensors: what PyTorch's captioners say of an image, word by word.

    python make_captions.py    # needs torch, safetensors, numpy

Weights and image are those of synthetic.py, so that only the results are stored. For each case of CaptionersTests.swift:
`memory` (every fifth row) and `state`, what the decoder reads and starts from; `greedy`, the likeliest tokens; `logits` and
`attention`, a row for each of them.
"""

import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

import models as own
from make_frames import headless
from synthetic import synthetic

CLASSES, EMBEDDING, HIDDEN = 19, 10, 24
START, MAX_TOKENS = 1, 8


class Captioner(nn.Module):
    """What both have: a token goes in, the logits of the next come out."""

    def __init__(self, cnn, inputs):
        super().__init__()
        self.cnn = cnn
        self.decoder = nn.ModuleDict({
            "embedding": nn.Embedding(CLASSES, EMBEDDING), "rnn": nn.LSTM(inputs, HIDDEN, batch_first=True),
        })

    def read(self, x, state=None):
        """Vectors of one step through the LSTM."""
        _, (h, c) = self.decoder["rnn"](x[None, None], state and tuple(part[None, None] for part in state))
        return h[0, 0], c[0, 0]


class ShowAndTell(Captioner):
    """Vinyals et al. 2015, equations 10 to 12."""

    def __init__(self, cnn, features):
        super().__init__(cnn, EMBEDDING)
        self.image = nn.Linear(features, EMBEDDING)
        self.head = nn.Linear(HIDDEN, CLASSES)

    def begin(self, image):
        state = self.read(self.image(self.cnn(image[None])[0]))
        return state[0][None], state

    def step(self, token, memory, state):
        state = self.read(self.decoder["embedding"].weight[token], state)
        return self.head(state[0]), state, torch.ones(1)


class ShowAttendTell(Captioner):
    """Xu et al. 2015, equations 1 to 7 with soft attention; `deep` is its deep output."""

    def __init__(self, cnn, features, deep, gates):
        super().__init__(cnn, EMBEDDING + features)
        self.init_h, self.init_c = nn.Linear(features, HIDDEN), nn.Linear(features, HIDDEN)
        self.attention = nn.ModuleDict({
            "Ua": nn.Linear(features, HIDDEN), "Wa": nn.Linear(HIDDEN, HIDDEN), "Va": nn.Linear(HIDDEN, 1),
        })
        self.beta = nn.Linear(HIDDEN, gates)
        if deep:
            self.deep = nn.ModuleDict({"h": nn.Linear(HIDDEN, EMBEDDING), "z": nn.Linear(features, EMBEDDING)})
        self.head = nn.Linear(EMBEDDING if deep else HIDDEN, CLASSES)

    def begin(self, image):
        values = self.cnn(image[None])[0].flatten(1).mT
        mean = values.mean(0)
        return torch.cat([values, self.attention["Ua"](values)], 1), (self.init_h(mean).tanh(), self.init_c(mean).tanh())

    def step(self, token, memory, state):
        values, keys = memory.split([memory.shape[1] - HIDDEN, HIDDEN], 1)
        h = state[0]
        weights = self.attention["Va"]((self.attention["Wa"](h) + keys).tanh())[:, 0].softmax(0)
        z = self.beta(h).sigmoid() * (weights @ values)
        y = self.decoder["embedding"].weight[token]
        state = self.read(torch.cat([y, z]), state)
        seen = y + self.deep["h"](state[0]) + self.deep["z"](z) if hasattr(self, "deep") else state[0]
        return self.head(seen), state, weights


class Map(nn.Module):
    """Some layers of a network under the names that they have there."""

    def __init__(self, network, names, path):
        super().__init__()
        for name in names:
            setattr(self, name, getattr(network, name))
        self.path = path

    def forward(self, x):
        return self.path(self, x)


def residual():
    names = ["conv1", "bn1", "layer1", "layer2", "layer3"]
    path = lambda m, x: m.layer3(m.layer2(m.layer1(torch.relu(m.bn1(m.conv1(x))))))
    return Map(own.CIFARResNet(20, "A"), names, path)


def lenet():
    def path(m, x):
        x = torch.max_pool2d(torch.relu(m.conv1(x)), 2)
        return torch.max_pool2d(torch.relu(m.conv2(x)), 2)

    return Map(own.LeNet5(), ["conv1", "conv2"], path)


def middle():
    names = ["conv1", "bn1", "layer1", "layer2"]
    return Map(own.CIFARResNet(20, "A"), names, lambda m, x: m.layer2(m.layer1(torch.relu(m.bn1(m.conv1(x))))))


CASES = {
    "show_and_tell resnet20": (lambda: ShowAndTell(headless(own.CIFARResNet(20, "A"), "fc"), 64), (3, 32, 32)),
    "show_and_tell lenet5": (lambda: ShowAndTell(headless(own.LeNet5(), "fc3"), 84), (1, 32, 32)),
    "show_attend_tell resnet20": (lambda: ShowAttendTell(residual(), 64, True, 1), (3, 40, 32)),
    "show_attend_tell lenet5": (lambda: ShowAttendTell(lenet(), 16, False, 16), (1, 32, 32)),
    "show_attend_tell layer2": (lambda: ShowAttendTell(middle(), 32, True, 1), (3, 16, 16)),
}


def write(model, image):
    """The likeliest tokens, and the logits and weights of every step."""
    memory, state = model.begin(image)
    words, rows = [], []
    for _ in range(MAX_TOKENS):
        logits, state, weights = model.step(words[-1] if words else START, memory, state)
        rows.append((logits, weights))
        words.append(logits.argmax().item())
    return words, [torch.stack(part) for part in zip(*rows)]


def main():
    torch.set_num_threads(1)
    results = {}
    for name, (make, shape) in CASES.items():
        model = make().eval()
        for key, tensor in model.state_dict().items():
            if not key.endswith("num_batches_tracked"):
                tensor.copy_(synthetic(key, tuple(tensor.shape)))
        image = synthetic("input", shape)
        with torch.inference_mode():
            memory, state = model.begin(image)
            words, (logits, weights) = write(model, image)
        print(name, words, tuple(memory.shape), weights.max().item(), flush=True)
        results[f"{name} memory"] = memory[::5].contiguous()
        results[f"{name} state"] = torch.cat(state)
        results[f"{name} greedy"] = torch.tensor(words).float()
        results[f"{name} logits"], results[f"{name} attention"] = logits, weights
    save_file(results, pathlib.Path(__file__).with_name("captions.safetensors"))


if __name__ == "__main__":
    main()
