"""Writes frames.safetensors: what PyTorch answers for each case of FramesParityTests.swift.

    python make_frames.py    # needs what make_logits.py needs

A network over frames (Donahue et al. 2015): torchvision's network, or one of models.py, with nothing in the place of its
last linear layer, makes features of each frame, a recurrent network reads them. Weights and frames are the synthetic ones
of make_logits.py; frame i is that of seed SEED + i, so that the frames differ.
"""

import pathlib

import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

import models as own
from synthetic import SEED, synthetic


class CNNRNN(own.Recurrent):
    def __init__(self, cnn, cell, features, *sizes):
        super().__init__(cell, 0, features, *sizes)
        self.cnn = cnn

    def forward(self, clip):
        return super().forward(self.cnn(clip)[None])[0]


def headless(cnn, name):
    """The network without its last linear layer."""
    *path, last = name.split(".")
    parent = cnn.get_submodule(".".join(path))
    setattr(parent, last, nn.Identity())
    return cnn


# model (cell, features, hidden, layers, both directions, pooling, classes), shape of a frame, frames
CASES = {
    "resnet18 lstm steps": (
        lambda: CNNRNN(headless(torchvision.models.resnet18(), "fc"), nn.LSTM, 512, 24, 1, False, None, 5),
        (3, 64, 64), 5,
    ),
    "resnet20 B gru 2 mean": (
        lambda: CNNRNN(headless(own.CIFARResNet(20, "B"), "fc"), nn.GRU, 64, 17, 2, True, "mean", 6),
        (3, 32, 32), 7,
    ),
    "alexnet lstm last": (
        lambda: CNNRNN(headless(torchvision.models.alexnet(), "classifier.6"), nn.LSTM, 4096, 16, 1, False, "last", 4),
        (3, 96, 80), 3,
    ),
    "lenet5 rnn max": (
        lambda: CNNRNN(headless(own.LeNet5(), "fc3"), nn.RNN, 84, 20, 1, False, "max", 10),
        (1, 32, 32), 6,
    ),
}

if __name__ == "__main__":
    torch.set_num_threads(2)
    results = {}
    for name, (make, shape, frames) in CASES.items():
        model = make().eval()
        state = model.state_dict()
        for key, tensor in state.items():
            if not key.endswith("num_batches_tracked"):
                tensor.copy_(synthetic(key, tuple(tensor.shape)))
        clip = torch.stack([synthetic("input", shape, SEED + frame) for frame in range(frames)])
        with torch.inference_mode():
            results[name] = model(clip).contiguous()
            other = model(clip.flip(0))
        moved = (results[name] - other).abs().max() / results[name].abs().max()
        print(f"{name:24} {tuple(results[name].shape)}, in reverse {moved:.2g} away")
    save_file(results, pathlib.Path(__file__).with_name("frames.safetensors"))
