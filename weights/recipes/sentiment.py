"""Trains a bidirectional `lstm` over words on film reviews and writes `weights/sentiment`.

The training sentences of SST-2, and those of rt-polarity that are in neither of SST's other splits: a review
sentence that shares its beginning or its end with one of these is left out. SST writes `wo n't`, people write
`won't`: each sentence is learned in both spellings. The development split chooses the epoch.

Line 0 of the vocabulary is `<unk>`, which stands for words that training saw once or never; it is trained by
replacing words at random. Sequences are packed, so that padding has no influence.

    python sentiment.py --data DATA --output ../sentiment
"""

import re
import time
import unicodedata
from collections import Counter

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import common
import fitting
import words

UNKNOWN = "<unk>"
LABELS = ["negative", "positive"]
MAX_LENGTH = 512
SHARED = 30  # letters that two sentences must have in common at an end to count as one


class Classifier(nn.Module):
    def __init__(self, vocabulary, embedding, hidden, dropout):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.rnn = nn.LSTM(embedding, hidden, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * hidden, len(LABELS))
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens, lengths):
        embedded = self.dropout(self.embedding(tokens))
        packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        output = pad_packed_sequence(self.rnn(packed)[0], batch_first=True, padding_value=float("-inf"))[0]
        return self.head(self.dropout(output.amax(1)))


def main():
    options = common.arguments(
        __doc__, epochs=12, batch=64, rate=2e-3, decay=0.05, dropout=0.5, unknown=0.1, smoothing=0.1,
        embedding=96, hidden=96,
    )
    common.seed_everything(options.seed, options.threads)
    train, dev = training(options.data), load(options.data, "dev")
    counts = Counter(token for text, _ in train for token in tokenize(text))
    vocabulary = [UNKNOWN, *sorted(token for token, count in counts.items() if count > 1)]
    index = {token: i for i, token in enumerate(vocabulary)}
    encode = lambda text: torch.tensor([index.get(token, 0) for token in tokenize(text)])
    spellings = [[encode(split_contractions(text)), encode(join_contractions(text))] for text, _ in train]
    labels = torch.tensor([label for _, label in train])
    print(f"{len(train)} sentences, {len(vocabulary)} words", flush=True)

    model = Classifier(len(vocabulary), options.embedding, options.hidden, options.dropout)
    fitter = fitting.Fitter(model, options, options.epochs * (len(train) // options.batch), 0.995, pct_start=0.2)
    judge = Classifier(len(vocabulary), options.embedding, options.hidden, 0)
    generator = torch.Generator().manual_seed(options.seed)
    for epoch in range(options.epochs):
        start, losses = time.time(), []
        model.train()
        for rows in fitting.shuffled(len(train), options.batch, generator):
            spelling = torch.randint(2, (options.batch,), generator=generator).tolist()
            x, lengths = fitting.pad([spellings[row][which] for row, which in zip(rows, spelling)])
            x = torch.where(torch.rand(x.shape, generator=generator) < options.unknown, 0, x)
            loss = F.cross_entropy(model(x, lengths), labels[rows], label_smoothing=options.smoothing)
            losses.append(fitter.step(loss))
        judge.load_state_dict(fitter.averaged.state)
        held = accuracy(judge, dev, encode)
        fitter.keep_if_best(held)
        print(
            f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, dev {held:.4f}, {time.time() - start:.0f} s", flush=True
        )

    common.write_model(options.output, fitter.best[1], manifest(), LABELS, vocabulary, torch.float16)
    judge.load_state_dict(fitting.half(fitter.best[1]))
    print(f"test accuracy {accuracy(judge, load(options.data, 'test'), encode):.4f}")


def load(data, split):
    """Pairs of a sentence and 0 or 1."""
    lines = (data / "sst2" / f"{split}.txt").read_text(encoding="utf-8").splitlines()
    return [(text, int(label)) for label, text in (line.split(" ", 1) for line in lines)]


def training(data):
    """SST-2's training split and what rt-polarity adds to it."""
    pairs = load(data, "train")
    held = [letters(text) for split in ("dev", "test") for text, _ in load(data, split)]
    taken = {letters(text) for text, _ in pairs}
    begins, ends, whole = {text[:SHARED] for text in held}, {text[-SHARED:] for text in held}, set(held)
    for label, name in enumerate(["rt-polarity.neg", "rt-polarity.pos"]):
        for text in decode((data / "sst2" / name).read_bytes()).splitlines():
            key = letters(text)
            if not key or key in taken or key in whole or key[:SHARED] in begins or key[-SHARED:] in ends:
                continue
            taken.add(key)
            pairs.append((text.strip(), label))
    return pairs


def decode(content):
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def letters(text):
    """The ASCII letters and digits of a sentence without accents: one key for all spellings of it."""
    return re.sub("[^a-z0-9]", "", unicodedata.normalize("NFKD", text).lower())


def tokenize(text):
    return [words.lower(token) for token in words.split(text)][:MAX_LENGTH]


def join_contractions(text):
    """`do n't` as `don't` and `it 's` as `it's`."""
    return re.sub(r" (n't|'(?:s|re|ve|ll|d|m))\b", r"\1", text)


def split_contractions(text):
    """`don't` as `do n't` and `it's` as `it 's`, as SST writes them."""
    return re.sub(r"(?<=\w)(n't|'(?:s|re|ve|ll|d|m))\b", r" \1", text)


@torch.no_grad()
def accuracy(model, pairs, encode):
    model.eval()
    hits = 0
    for first in range(0, len(pairs), 500):
        group = pairs[first : first + 500]
        guesses = model(*fitting.pad([encode(text) for text, _ in group])).argmax(1)
        hits += (guesses == torch.tensor([label for _, label in group])).sum().item()
    return hits / len(pairs)


def manifest():
    return {
        "architecture": "lstm",
        "task": "sequence-classification",
        "labels": "labels.txt",
        "weights": "model.safetensors",
        "input": {
            "kind": "text", "tokenizer": "words", "vocabulary": "vocab.txt", "lowercase": True,
            "unknown": UNKNOWN, "max_length": MAX_LENGTH,
        },
        "pooling": "max",
        "provenance": {
            "source": "weights/recipes/sentiment.py",
            "license": "the project's own weights, trained from random initialisation",
            "dataset": "SST-2 (Socher et al. 2013) and rt-polarity (Pang & Lee 2005)",
        },
    }


if __name__ == "__main__":
    main()
