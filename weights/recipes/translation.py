"""Trains an `encoder_decoder` that translates short German sentences into English and writes `weights/deu-eng`.

A bidirectional LSTM reads the source, and an LSTM as wide as both directions writes the target with Luong's
`general` attention and input feeding (Luong et al. 2015). The decoder's embedding is the output layer's matrix too
(Press & Wolf 2017).

A word of the source is what several tables say of it: its lower-case form, its first letters, its last, and its
shape, so that of an unknown word its stem and its ending remain. Line 0 of each of those vocabularies is `<unk>`, trained by
hiding words at random, rare ones more often. A word of the target is what stands between spaces, without the
punctuation behind it, which the daemon writes without a space before it. Words that occur once are no targets: the
network never learns to write `<unk>`.

All pairs with one of `--held` English sentences are the development split, as no sentence of the test split is in the
training split's English; its BLEU chooses the epoch. The rate falls as if there were `--epochs`; training ends after
`--last`.

    python translation.py --data DATA --output ../deu-eng
"""

import random
import re
import time
from collections import Counter

import numpy as np
import sacrebleu
import torch
from torch import nn
from torch.nn import functional as F

import common
import files
import fitting
import words

UNKNOWN, START, END = "<unk>", "<s>", "</s>"
MAX_SOURCE, MAX_TARGET = 64, 32
# (what the manifest says, what a word gives, the fewest occurrences, the embedding's width)
FEATURES = [
    ({"kind": "prefix", "length": 4, "vocabulary": "prefixes4.txt"}, lambda word: words.prefix(word, 4), 3, 48),
    ({"kind": "prefix", "length": 6, "vocabulary": "prefixes6.txt"}, lambda word: words.prefix(word, 6), 2, 64),
    ({"kind": "suffix", "length": 4, "vocabulary": "suffixes4.txt"}, lambda word: words.suffix(word, 4), 3, 48),
    ({"kind": "suffix", "length": 2, "vocabulary": "suffixes2.txt"}, lambda word: words.suffix(word, 2), 3, 16),
    ({"kind": "shape", "vocabulary": "shapes.txt"}, words.shape, 3, 16),
]
IGNORED = -1  # a target that no loss is taken of


class Encoder(nn.Module):
    def __init__(self, sizes, widths, hidden):
        super().__init__()
        self.embedding = nn.Embedding(sizes[0], widths[0])
        self.embeddings = nn.ModuleDict({str(k): nn.Embedding(sizes[k], widths[k]) for k in range(1, len(sizes))})
        for table in (self.embedding, *self.embeddings.values()):
            nn.init.normal_(table.weight, std=0.3)
        self.rnn = nn.LSTM(sum(widths), hidden, batch_first=True, bidirectional=True)


class Decoder(nn.Module):
    def __init__(self, size, width, hidden):
        super().__init__()
        self.embedding = nn.Embedding(size, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.rnn = nn.LSTM(2 * width, hidden, batch_first=True)


class Translator(nn.Module):
    def __init__(self, sizes, widths, targets, width, hidden, dropout):
        super().__init__()
        self.encoder = Encoder(sizes, widths, hidden)
        self.decoder = Decoder(targets, width, 2 * hidden)
        self.attention = nn.Linear(2 * hidden, 2 * hidden, bias=False)
        self.concat = nn.Linear(4 * hidden, width, bias=False)
        self.head = nn.Linear(width, targets)
        self.head.weight = self.decoder.embedding.weight
        self.dropout = nn.Dropout(dropout)

    def read(self, source):
        """The memory of sources of one length, its keys, and the decoder's state before the first step.

        *Shape*: batch × steps × tables → batch × steps × values.
        """
        tables = (self.encoder.embedding, *self.encoder.embeddings.values())
        embedded = torch.cat([table(source[..., k]) for k, table in enumerate(tables)], -1)
        memory, (h, c) = self.encoder.rnn(self.dropout(embedded))
        h, c = (torch.cat([s[0], s[1]], -1) for s in (h, c))
        memory = self.dropout(memory)
        return memory, self.attention(memory), (h, c, h.new_zeros(len(h), self.concat.out_features))

    def weights(self):
        """The decoder's matrices: what the token is multiplied with, and what the fed vector and the state are."""
        rnn, width = self.decoder.rnn, self.decoder.embedding.embedding_dim
        token, fed = rnn.weight_ih_l0.split([width, width], 1)
        return token, torch.cat([fed, rnn.weight_hh_l0], 1), rnn.bias_ih_l0 + rnn.bias_hh_l0

    def step(self, gates, matrix, state, memory, keys, mask=1.0):
        """One step of all targets; the last part of the state is the attentional vector."""
        h, c, fed = state
        i, f, g, o = (gates + F.linear(torch.cat([mask * fed, h], -1), matrix)).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        seen = torch.softmax(torch.bmm(keys, h.unsqueeze(2)), 1)
        context = torch.bmm(seen.transpose(1, 2), memory).squeeze(1)
        return h, c, torch.tanh(self.concat(torch.cat([context, h], -1)))

    def forward(self, source, previous):
        """*Shape*: batch × steps × tables, batch × tokens → batch × tokens × classes."""
        memory, keys, state = self.read(source)
        token, matrix, bias = self.weights()
        gates = F.linear(self.dropout(self.decoder.embedding(previous)), token, bias)
        mask = self.dropout(torch.ones_like(state[2]))
        vectors = []
        for step in range(previous.shape[1]):
            state = self.step(gates[:, step], matrix, state, memory, keys, mask)
            vectors.append(state[2])
        return self.head(self.dropout(torch.stack(vectors, 1)))

    @torch.no_grad()
    def greedy(self, source, start, end, limit):
        """The targets of sources of one length, each up to its end."""
        memory, keys, state = self.read(source)
        token, matrix, bias = self.weights()
        previous = torch.full([len(source)], start)
        written = []
        for _ in range(limit):
            gates = F.linear(self.decoder.embedding(previous), token, bias)
            state = self.step(gates, matrix, state, memory, keys)
            previous = self.head(state[2]).argmax(-1)
            written.append(previous)
            if (torch.stack(written) == end).any(0).all():
                break
        rows = torch.stack(written, 1).tolist()
        return [row[: row.index(end)] if end in row else row for row in rows]


def read_pairs(path):
    """Pairs of German and English; a field that holds quotation marks is quoted."""
    pairs = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return [tuple(f[1:-1].replace('""', '"') if f[:1] == f[-1:] == '"' else f for f in pair) for pair in pairs]


def target_words(text):
    """Words without the punctuation behind them, and that punctuation, a character each."""
    tokens = []
    for word in text.split():
        stem, marks = re.fullmatch(r"(.*?)([.,;:!?]*)", word).groups()
        tokens += [stem] * bool(stem) + list(marks)
    return tokens


def target_text(tokens):
    """What `TextDecoder.swift` makes of words."""
    return re.sub(r" ([.,;:!?])", r"\1", " ".join(tokens))


class Words:
    """The numbers of words: `tables` of the source and one of the target, with the vocabularies of each."""

    def __init__(self, pairs, width):
        rules = [(words.lower, 2, width), *((rule, least, size) for _, rule, least, size in FEATURES)]
        self.rules = [rule for rule, *_ in rules]
        self.widths = [size for *_, size in rules]
        self.counts = [Counter(rule(word) for source, _ in pairs for word in words.split(source)) for rule in self.rules]
        self.sources = [
            [UNKNOWN, *sorted(token for token, count in counted.items() if count >= least)]
            for counted, (_, least, _) in zip(self.counts, rules)
        ]
        written = Counter(word for _, target in pairs for word in target_words(target))
        self.targets = [UNKNOWN, START, END, *sorted(word for word, count in written.items() if count >= 2)]
        self.source_numbers = [{token: i for i, token in enumerate(tokens)} for tokens in self.sources]
        self.target_numbers = {token: i for i, token in enumerate(self.targets)}

    def source(self, text):
        rows = [[t.get(rule(word), 0) for t, rule in zip(self.source_numbers, self.rules)] for word in words.split(text)]
        return torch.tensor(rows)

    def target(self, text):
        return [self.target_numbers.get(word, 0) for word in target_words(text)]

    def text(self, tokens):
        return target_text(self.targets[token] for token in tokens)


def batches(encoded, size, generator):
    """Batches of pairs whose sources are of one length and whose targets are of like lengths, in random order."""
    noise = torch.rand(len(encoded), generator=generator).tolist()
    order = sorted(
        range(len(encoded)), key=lambda i: (len(encoded[i][0]), len(encoded[i][1]) + 2 * noise[i], noise[i])
    )
    groups = [[order[0]]]
    for row in order[1:]:
        fits = len(groups[-1]) < size and len(encoded[groups[-1][0]][0]) == len(encoded[row][0])
        groups[-1].append(row) if fits else groups.append([row])
    for group in torch.randperm(len(groups), generator=generator).tolist():
        sources, targets = zip(*(encoded[row] for row in groups[group]))
        length = 1 + max(map(len, targets))
        previous = torch.tensor([([1] + target + [2] * length)[:length] for target in targets])
        wanted = torch.tensor(
            [([t or IGNORED for t in target] + [2] + [IGNORED] * length)[:length] for target in targets]
        )
        yield torch.stack(sources), previous, wanted


def translate(model, sources, size=256):
    """The greedy targets of encoded sources, in order."""
    model.eval()
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    targets = [None] * len(sources)
    for length in sorted({len(source) for source in sources}):
        rows = [i for i in order if len(sources[i]) == length]
        for first in range(0, len(rows), size):
            part = rows[first : first + size]
            found = model.greedy(torch.stack([sources[i] for i in part]), 1, 2, MAX_TARGET)
            for row, target in zip(part, found):
                targets[row] = target
    return targets


def bleu(model, numbers, pairs):
    found = [numbers.text(tokens) for tokens in translate(model, [numbers.source(source) for source, _ in pairs])]
    return sacrebleu.corpus_bleu(found, [[target for _, target in pairs]]).score


def main():
    options = common.arguments(
        __doc__, epochs=16, last=9, batch=128, rate=2e-3, decay=0.01, dropout=0.4, smoothing=0.1, unknown=0.03,
        embedding=192, width=256, hidden=192, held=900, steps=0,
    )
    common.seed_everything(options.seed, options.threads)
    folder = options.data / "translation"
    train, test = (read_pairs(folder / f"deu-eng-{split}.tsv") for split in ("train", "test"))
    held = set(random.Random(options.seed).sample(sorted({target for _, target in train}), options.held))
    dev = [pair for pair in train if pair[1] in held]
    train = [pair for pair in train if pair[1] not in held and '"' not in pair[1]]
    numbers = Words(train, options.embedding)
    sizes = [len(vocabulary) for vocabulary in numbers.sources]
    print(f"{len(train)} pairs, {len(dev)} held out, {sizes} and {len(numbers.targets)} entries", flush=True)

    encoded = [(numbers.source(source), numbers.target(target)) for source, target in train]
    hiding = [options.unknown + 0.3 / (1 + numbers.counts[0][token]) for token in numbers.sources[0]]
    hiding = torch.tensor(hiding)
    model = Translator(sizes, numbers.widths, len(numbers.targets), options.width, options.hidden, options.dropout)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, the shared matrix once", flush=True)
    generator = torch.Generator().manual_seed(options.seed)
    count = sum(1 for _ in batches(encoded, options.batch, torch.Generator().manual_seed(0)))
    fitter = fitting.Fitter(
        model, options, options.epochs * count, 0.998, pct_start=0.1, anneal_strategy="linear", final_div_factor=50
    )
    first = 0
    if state := common.load_checkpoint(options.checkpoint):
        first, fitter.best, fitter.averaged.state = state["epoch"], state["best"], state["averaged"]
        model.load_state_dict(state["model"])
        fitter.optimizer.load_state_dict(state["optimizer"])
        fitter.schedule.load_state_dict(state["schedule"])
        generator.set_state(state["generator"])
        torch.set_rng_state(state["random"])
    last = min(options.epochs, options.last)
    for epoch in range(first, last):
        start, used, losses = time.time(), time.process_time(), []
        model.train()
        for source, previous, wanted in batches(encoded, options.batch, generator):
            hidden = torch.rand(source.shape[:2], generator=generator) < hiding[source[..., 0]]
            source[..., 0].masked_fill_(hidden, 0)
            with torch.autocast("cpu", torch.bfloat16):
                logits = model(source, previous).float()
            loss = F.cross_entropy(
                logits.flatten(0, 1), wanted.flatten(), ignore_index=IGNORED, label_smoothing=options.smoothing
            )
            losses.append(fitter.step(loss))
            if len(losses) == options.steps:
                break
        line = f"epoch {epoch + 1}: loss {np.mean(losses):.3f}, {time.process_time() - used:.0f} s of the processor"
        if epoch % 3 == 2 or epoch == last - 1 or options.steps:
            weights = {name: value.clone() for name, value in model.state_dict().items()}
            model.load_state_dict(fitter.averaged.state)
            score = bleu(model, numbers, dev)
            model.load_state_dict(weights)
            fitter.keep_if_best(score)
            line += f", BLEU {score:.2f} on the development split"
        print(f"{line}, {time.time() - start:.0f} s", flush=True)
        common.save_checkpoint(
            options.checkpoint, epoch=epoch + 1, best=fitter.best, averaged=fitter.averaged.state,
            model=model.state_dict(), optimizer=fitter.optimizer.state_dict(), schedule=fitter.schedule.state_dict(),
            generator=generator.get_state(), random=torch.get_rng_state(),
        )

    score, state = fitter.best
    model.load_state_dict(fitting.half(state))
    print(f"BLEU {score:.2f} of the development split before rounding, {bleu(model, numbers, dev):.2f} after", flush=True)
    print(f"BLEU {bleu(model, numbers, test):.2f} of the test split, greedily", flush=True)
    vocabularies = {"deu.txt": numbers.sources[0], "eng.txt": numbers.targets}
    for (feature, *_), entries in zip(FEATURES, numbers.sources[1:]):
        vocabularies[feature["vocabulary"]] = entries
    common.write_model(options.output, state, manifest(), None, vocabularies, torch.float16)


def manifest():
    return {
        "architecture": "encoder_decoder",
        "task": "sequence-to-sequence",
        "weights": "model.safetensors",
        "input": {
            "kind": "text", "tokenizer": "words", "vocabulary": "deu.txt", "lowercase": True,
            "unknown": UNKNOWN, "max_length": MAX_SOURCE,
            "features": [{**feature, "unknown": UNKNOWN} for feature, *_ in FEATURES],
        },
        "output": {
            "kind": "text", "tokenizer": "words", "vocabulary": "eng.txt", "start": START, "end": END,
            "max_length": MAX_TARGET,
        },
        "provenance": {
            "source": "weights/recipes/translation.py",
            "license": "CC BY 2.0 FR, as the sentences; trained from random initialisation",
            "dataset": "German and English sentences of Tatoeba (tatoeba.org)",
        },
    }


if __name__ == "__main__":
    main()
