"""Trains a bidirectional `lstm` that tags words with their part of speech and writes `weights/tagger`.

A word is what four tables say of it: its lower-case form, its last two and three characters, its first three, and its
shape. The last four go by the original spelling, as `TokenFeature.swift` describes. Universal Dependencies
splits `don't` into `do` and `n't`, the daemon's tokenizer does not: some of such pairs are learned as one word
with the tag of the first part.

Line 0 of each vocabulary is `<unk>`, trained by replacing entries at random, rare words more often. The
development split chooses the epoch.

    python tagger.py --data DATA --output ../tagger
"""

import time
from collections import Counter

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

import common
import files
import fitting
import words

UNKNOWN = "<unk>"
MAX_LENGTH = 512
# (what the manifest says, what a word gives, the fewest occurrences, the embedding's width)
FEATURES = [
    ({"kind": "suffix", "length": 3, "vocabulary": "suffixes3.txt"}, lambda word: words.suffix(word, 3), 3, 32),
    ({"kind": "suffix", "length": 2, "vocabulary": "suffixes2.txt"}, lambda word: words.suffix(word, 2), 3, 16),
    ({"kind": "prefix", "length": 3, "vocabulary": "prefixes3.txt"}, lambda word: words.prefix(word, 3), 3, 24),
    ({"kind": "shape", "vocabulary": "shapes.txt"}, words.shape, 3, 16),
]


class Tagger(nn.Module):
    def __init__(self, sizes, widths, hidden, layers, classes, dropout):
        super().__init__()
        self.embedding = nn.Embedding(sizes[0], widths[0])
        self.embeddings = nn.ModuleDict(
            {str(k): nn.Embedding(sizes[k], widths[k]) for k in range(1, len(sizes))}
        )
        for table in (self.embedding, *self.embeddings.values()):
            nn.init.normal_(table.weight, std=0.3)
        self.rnn = nn.LSTM(
            sum(widths), hidden, layers, batch_first=True, bidirectional=True, dropout=dropout if layers > 1 else 0
        )
        self.head = nn.Linear(2 * hidden, classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens, lengths):
        """*Shape*: batch × steps × tables → batch × steps × classes."""
        tables = (self.embedding, *self.embeddings.values())
        embedded = torch.cat([table(tokens[..., k]) for k, table in enumerate(tables)], -1)
        packed = pack_padded_sequence(self.dropout(embedded), lengths, batch_first=True, enforce_sorted=False)
        output = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)[0]
        return self.head(self.dropout(output))


def main():
    options = common.arguments(
        __doc__, epochs=10, batch=32, rate=3e-3, decay=0.02, dropout=0.4, unknown=0.05, joined=0.3,
        embedding=96, hidden=128, layers=1,
    )
    common.seed_everything(options.seed, options.threads)
    generator = torch.Generator().manual_seed(options.seed)
    train, dev, test = (files.read_tagged(options.data / "ud-ewt-pos" / f"{s}.tsv") for s in ("train", "dev", "test"))
    labels = sorted({tag for sentence in train for _, tag in sentence})
    rules = [(words.lower, 2, options.embedding), *((rule, least, width) for _, rule, least, width in FEATURES)]
    counts = [Counter(rule(word) for sentence in train for word, _ in sentence) for rule, _, _ in rules]
    vocabularies = [
        [UNKNOWN, *sorted(token for token, count in counted.items() if count >= least)]
        for counted, (_, least, _) in zip(counts, rules)
    ]
    indices = [{token: i for i, token in enumerate(vocabulary)} for vocabulary in vocabularies]
    print(f"{len(train)} sentences, {[len(vocabulary) for vocabulary in vocabularies]} entries", flush=True)

    def encode(sentence):
        rows = [[index.get(rule(word), 0) for index, (rule, _, _) in zip(indices, rules)] for word, _ in sentence]
        return torch.tensor(rows), torch.tensor([labels.index(tag) for _, tag in sentence])

    encoded = [encode(sentence) for sentence in train]
    joined = [encode(join(sentence)) for sentence in train]
    # A word is hidden the more often the rarer it is; the other tables are hidden seldom.
    hiding = [options.unknown + 0.5 / (1 + counts[0][token]) for token in vocabularies[0]]
    hiding = torch.tensor(hiding)

    def model(dropout):
        sizes, widths = map(len, vocabularies), [width for _, _, width in rules]
        return Tagger(list(sizes), widths, options.hidden, options.layers, len(labels), dropout)

    tagger, judge = model(options.dropout), model(0)
    fitter = fitting.Fitter(tagger, options, options.epochs * (len(train) // options.batch), 0.995, pct_start=0.1)
    for epoch in range(options.epochs):
        start, losses = time.time(), []
        tagger.train()
        for rows in fitting.shuffled(len(train), options.batch, generator):
            chosen = torch.rand(options.batch, generator=generator) < options.joined
            x, y, lengths = pad([(joined if whole else encoded)[row] for row, whole in zip(rows, chosen)])
            hidden = torch.rand(x.shape, generator=generator)
            hidden[..., 0] = hidden[..., 0] < hiding[x[..., 0]]
            hidden[..., 1:] = hidden[..., 1:] < options.unknown / 4
            loss = F.cross_entropy(
                tagger(torch.where(hidden.bool(), 0, x), lengths).flatten(0, 1), y.flatten(), ignore_index=-1
            )
            losses.append(fitter.step(loss))
        judge.load_state_dict(fitter.averaged.state)
        held = accuracy(judge, dev, encode)
        fitter.keep_if_best(held)
        print(
            f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, dev {held:.4f}, {time.time() - start:.0f} s", flush=True
        )

    lists = dict(zip(["vocab.txt", *(feature["vocabulary"] for feature, *_ in FEATURES)], vocabularies))
    common.write_model(options.output, fitter.best[1], manifest(), labels, lists, torch.float16)
    judge.load_state_dict(fitting.half(fitter.best[1]))
    print(f"test accuracy {accuracy(judge, test, encode):.4f}")


def join(sentence):
    """`do` `n't` as `don't` with the tag of `do`."""
    joined = []
    for word, tag in sentence:
        if joined and word.startswith(("'", "n't", "’", "n’t")) and len(word) > 1 and joined[-1][0][-1:].isalpha():
            joined[-1] = (joined[-1][0] + word, joined[-1][1])
        else:
            joined.append((word, tag))
    return joined


def pad(sentences):
    tokens, tags = zip(*sentences)
    x, lengths = fitting.pad(tokens)
    return x, pad_sequence(tags, batch_first=True, padding_value=-1), lengths


@torch.no_grad()
def accuracy(model, sentences, encode):
    model.eval()
    hits = total = 0
    for first in range(0, len(sentences), 200):
        x, y, lengths = pad([encode(sentence) for sentence in sentences[first : first + 200]])
        hits += (model(x, lengths).argmax(-1) == y).sum().item()
        total += lengths.sum().item()
    return hits / total


def manifest():
    return {
        "architecture": "lstm",
        "task": "token-classification",
        "labels": "labels.txt",
        "weights": "model.safetensors",
        "input": {
            "kind": "text", "tokenizer": "words", "vocabulary": "vocab.txt", "lowercase": True,
            "unknown": UNKNOWN, "max_length": MAX_LENGTH,
            "features": [{**feature, "unknown": UNKNOWN} for feature, *_ in FEATURES],
        },
        "provenance": {
            "source": "weights/recipes/tagger.py",
            "license": "CC BY-SA 4.0, as the treebank; trained from random initialisation",
            "dataset": "Universal Dependencies English EWT (Silveira et al. 2014)",
        },
    }


if __name__ == "__main__":
    main()
