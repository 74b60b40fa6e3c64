"""Trains a bidirectional `gru` over characters on family names of 18 languages and writes `weights/surnames`.

Characters are Unicode code points of the lower-cased name. Line 0 of the vocabulary is `<unk>`, which stands for
characters never seen in training; it is trained by replacing characters at random. Sequences are packed, so that
padding has no influence: the network answers each name as if it were alone.

    python surnames.py --data DATA --output ../surnames
"""

import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import common
import fitting

UNKNOWN = "<unk>"
MAX_LENGTH = 64


class Classifier(nn.Module):
    def __init__(self, vocabulary, classes, embedding, hidden, pooling, dropout):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.rnn = nn.GRU(embedding, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, classes)
        self.pooling = pooling
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens, lengths):
        embedded = self.dropout(self.embedding(tokens))
        packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        output, final = self.rnn(packed)
        return self.head(self.dropout(self.pool(output, final, lengths)))

    def pool(self, output, final, lengths):
        if self.pooling == "last":  # the last state of each direction
            return torch.cat([final[0], final[1]], 1)
        if self.pooling == "max":
            return pad_packed_sequence(output, batch_first=True, padding_value=float("-inf"))[0].amax(1)
        return pad_packed_sequence(output, batch_first=True)[0].sum(1) / lengths[:, None]


def main():
    options = common.arguments(
        __doc__, epochs=30, batch=64, rate=4e-3, decay=0.05, dropout=0.4, unknown=0.02, smoothing=0.1,
        embedding=48, hidden=128, pooling="max", dev=0,
    )
    common.seed_everything(options.seed, options.threads)
    pairs = load(options.data, "train")
    if options.dev:
        order = torch.randperm(len(pairs), generator=torch.Generator().manual_seed(0)).tolist()
        pairs, held = [pairs[i] for i in order[options.dev :]], [pairs[i] for i in order[: options.dev]]
    classes = sorted({language for _, language in pairs})
    vocabulary = [UNKNOWN, *sorted({character for name, _ in pairs for character in name})]
    encode = encoder(vocabulary, classes)
    tokens, labels = encode(pairs)

    model = Classifier(
        len(vocabulary), len(classes), options.embedding, options.hidden, options.pooling, options.dropout
    )
    fitter = fitting.Fitter(model, options, options.epochs * (len(pairs) // options.batch), 0.998, pct_start=0.2)
    generator = torch.Generator().manual_seed(options.seed)
    for epoch in range(options.epochs):
        start, losses = time.time(), []
        model.train()
        for index in fitting.shuffled(len(pairs), options.batch, generator):
            x, lengths = fitting.pad([tokens[i] for i in index])
            x = torch.where(torch.rand(x.shape, generator=generator) < options.unknown, 0, x)
            loss = F.cross_entropy(model(x, lengths), labels[index], label_smoothing=options.smoothing)
            losses.append(fitter.step(loss))
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, {time.time() - start:.0f} s", flush=True)

    model.load_state_dict(fitter.averaged.state)
    if options.dev:
        print(f"held-out top-1 {accuracy(model, *encode(held)):.4f}")
        return
    common.write_model(options.output, fitter.averaged.state, manifest(options), classes, vocabulary)
    print(f"test top-1 {accuracy(model, *encode(load(options.data, 'test'))):.4f}")


def load(data, split):
    """Pairs of lower-cased name and language."""
    lines = (data / "names" / f"{split}.tsv").read_text(encoding="utf-8").splitlines()
    return [(name.lower(), language) for name, language in (line.split("\t") for line in lines)]


def encoder(vocabulary, classes):
    index = {token: i for i, token in enumerate(vocabulary)}

    def encode(pairs):
        tokens = [torch.tensor([index.get(c, 0) for c in name][:MAX_LENGTH]) for name, _ in pairs]
        return tokens, torch.tensor([classes.index(language) for _, language in pairs])

    return encode


@torch.no_grad()
def accuracy(model, tokens, labels):
    model.eval()
    parts = [model(*fitting.pad(tokens[i : i + 500])) for i in range(0, len(tokens), 500)]
    return (torch.cat(parts).argmax(1) == labels).float().mean().item()


def manifest(options):
    return {
        "architecture": "gru",
        "task": "sequence-classification",
        "labels": "labels.txt",
        "weights": "model.safetensors",
        "options": {"reset_after": True},
        "input": {
            "kind": "text", "tokenizer": "characters", "vocabulary": "vocab.txt", "lowercase": True,
            "unknown": UNKNOWN, "max_length": MAX_LENGTH,
        },
        "pooling": options.pooling,
        "provenance": {
            "source": "weights/recipes/surnames.py",
            "license": "the project's own weights, trained from random initialisation",
            "dataset": "family names of 18 languages (PyTorch's tutorial data)",
        },
    }


if __name__ == "__main__":
    main()
