"""Writes recurrent.safetensors: what torch.nn.RNN, LSTM and GRU answer for each case of RecurrentParityTests.swift.

Weights and inputs are those of synthetic.py, so only the answers are stored: for each case the outputs of all steps of
all sequences, one behind the other. The sequences of a case have different lengths and are run as one packed batch.

    python make_recurrent.py              # writes the file beside this script
    python make_recurrent.py --check      # also changes every input and every weight, one at a time, and fails should
                                          # the answers not move by ten times what the test tolerates
"""

import pathlib
import sys

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from synthetic import synthetic

TOLERANCE = 1e-5
FEATURES, HIDDEN, PROJECTION = 5, 19, 7
LENGTHS = [7, 1, 12, 4]
FORMS = {
    "rnn": (nn.RNN, {}),
    "rnn relu": (nn.RNN, {"nonlinearity": "relu"}),
    "lstm": (nn.LSTM, {}),
    "lstm projected": (nn.LSTM, {"proj_size": PROJECTION}),
    "gru": (nn.GRU, {}),
}


def cases():
    for form in FORMS:
        for layers in (1, 2, 3):
            for both in (False, True):
                for bias in (False, True):
                    yield f"{form}, {layers} layers" + ", both" * both + ", bias" * bias, form, layers, both, bias


def network(form, layers, both, bias):
    kind, options = FORMS[form]
    net = kind(FEATURES, HIDDEN, layers, bias=bias, batch_first=True, bidirectional=both, **options)
    net.load_state_dict({key: synthetic(f"rnn.{key}", tuple(value.shape)) for key, value in net.state_dict().items()})
    return net.eval()


def inputs():
    return [synthetic("input", (steps, FEATURES), seed=index + 1) for index, steps in enumerate(LENGTHS)]


def answers(net, items):
    packed = pack_padded_sequence(pad_sequence(items, batch_first=True), LENGTHS, batch_first=True, enforce_sorted=False)
    with torch.inference_mode():
        padded, _ = pad_packed_sequence(net(packed)[0], batch_first=True)
    return torch.cat([row[:steps].flatten() for row, steps in zip(padded, LENGTHS)])


def check(name, net, items, expected):
    def moves(what):
        moved = (answers(net, items) - expected).abs().max() / expected.abs().max()
        if moved < 10 * TOLERANCE:
            sys.exit(f"{name}: {what} does not matter ({moved:.1e})")

    for index, item in enumerate(items):
        item[0, 0] += 0.5
        moves(f"input {index}")
        item[0, 0] -= 0.5
    for key, value in net.named_parameters():
        kept = value.data.clone()
        value.data.mul_(1.1)
        moves(key)
        value.data.copy_(kept)


def main():
    results = {}
    for name, *sizes in cases():
        net, items = network(*sizes), inputs()
        results[name] = answers(net, items).clone()
        if "--check" in sys.argv:
            check(name, net, items, results[name])
    save_file(results, pathlib.Path(__file__).with_name("recurrent.safetensors"))
    print(f"{len(results)} cases")


if __name__ == "__main__":
    main()
