"""Writes translate.safetensors: what PyTorch's encoder-decoders make of a source, with greedy and with beam search.

    python make_translate.py    # needs torch, safetensors, numpy

Weights are those of synthetic.py, so that only the results are stored. For each case: `greedy`, the tokens
up to the end or to MAX_TOKENS; `logits`, a row for each step of it, and `attention` likewise, where there is some; `beam`,
`beam score` (summed log-probabilities) and the same with a length penalty (`penalized`). `both`: the encoder reads
both directions; `fed`: input feeding; `bridged`: a layer makes the decoder's first state, and no two widths are alike.
"""

import math
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

from synthetic import synthetic, uniform

SOURCE, TARGET, EMBEDDING, HIDDEN = 23, 19, 10, 24
START, END, MAX_TOKENS, BEAMS, STEPS = 1, 16, 12, 3, 9
BRIDGED, NARROW = 7, 14
SEED, GAIN = 7, 3.0


class Encoder(nn.Module):
    def __init__(self, kind, layers, hidden, bidirectional):
        super().__init__()
        self.embedding = nn.Embedding(SOURCE, EMBEDDING)
        self.rnn = kind(EMBEDDING, hidden, layers, batch_first=True, bidirectional=bidirectional)

    def forward(self, source):
        return self.rnn(self.embedding(source))


class Decoder(nn.Module):
    def __init__(self, kind, layers, inputs):
        super().__init__()
        self.embedding = nn.Embedding(TARGET, EMBEDDING)
        self.rnn = kind(inputs, HIDDEN, layers, batch_first=True)


class Additive(nn.Module):
    """Bahdanau's, as in PyTorch's tutorial."""

    def __init__(self, values):
        super().__init__()
        self.Wa, self.Ua, self.Va = (nn.Linear(*sizes) for sizes in ((HIDDEN, HIDDEN), (values, HIDDEN), (HIDDEN, 1)))

    def forward(self, query, memory):
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(memory)))
        return torch.softmax(scores.transpose(1, 2), -1)


class Translator(nn.Module):
    def __init__(self, kind, layers, attention, relu=False, variant=()):
        super().__init__()
        self.kind, self.relu, self.layers, self.variant = attention, relu, layers, variant
        both, fed, bridged = (name in variant for name in ("both", "fed", "bridged"))
        hidden = BRIDGED if bridged else HIDDEN // 2 if both else HIDDEN
        values = hidden * (1 + both)
        seen = NARROW if bridged and attention in ("dot", "general") else HIDDEN
        self.encoder = Encoder(kind, layers, hidden, both)
        self.decoder = Decoder(kind, layers, EMBEDDING + values * (attention == "additive") + seen * fed)
        if bridged:
            states = ("hidden", "cell") if kind is nn.LSTM else ("hidden",)
            names = [f"{state}_l{layer}" for state in states for layer in range(layers)]
            self.bridge = nn.ModuleDict({name: nn.Linear(values, HIDDEN) for name in names})
        if attention == "additive":
            self.attention = Additive(values)
        if attention == "general":
            self.attention = nn.Linear(values, HIDDEN)
        if attention in ("dot", "general"):
            self.concat = nn.Linear(values + HIDDEN, seen)
        self.head = nn.Linear(seen, TARGET)
        self.zeros = torch.zeros(1, 1, seen)

    def begin(self, source):
        """The memory, and the state before the first step: the decoder's layers', and the attentional vector."""
        memory, states = self.encoder(source)
        merged = []
        for name, state in zip(("hidden", "cell"), states if isinstance(states, tuple) else (states,)):
            if "both" in self.variant:
                state = state.view(self.layers, 2, 1, -1).transpose(1, 2).reshape(self.layers, 1, -1)
            if "bridged" in self.variant:
                layers = [self.bridge[f"{name}_l{layer}"](state[layer]) for layer in range(self.layers)]
                state = torch.tanh(torch.stack(layers))
            merged.append(state)
        return memory, (tuple(merged) if len(merged) > 1 else merged[0], self.zeros)

    def step(self, token, state, memory):
        """The logits of the token that follows, the state after the step, and the weights of the memory."""
        state, vector = state
        weights = None
        x = self.decoder.embedding(torch.tensor([[token]]))
        if self.relu:
            x = torch.relu(x)
        if self.kind == "additive":
            hidden = state[0] if isinstance(state, tuple) else state
            weights = self.attention(hidden[-1:].transpose(0, 1), memory)
            x = torch.cat([x, weights @ memory], -1)
        if "fed" in self.variant:
            x = torch.cat([x, vector], -1)
        h, state = self.decoder.rnn(x, state)
        if self.kind in ("dot", "general"):
            keys = memory if self.kind == "dot" else self.attention(memory)
            weights = torch.softmax(h @ keys.transpose(1, 2), -1)
            h = vector = torch.tanh(self.concat(torch.cat([weights @ memory, h], -1)))
        return self.head(h)[0, 0], (state, vector), weights


CASES = {
    f"{cell} {attention} {layers}": (kind, layers, attention, relu)
    for cell, kind in (("gru", nn.GRU), ("lstm", nn.LSTM))
    for attention, layers, relu in (
        ("none", 1, True),
        ("none", 2, False),
        ("dot", 2, False),
        ("general", 1, False),
        ("additive", 1, False),
        ("additive", 2, False),
    )
} | {
    f"{cell} {attention} {layers} {variant}": (kind, layers, attention, False, variant.split())
    for cell, kind in (("gru", nn.GRU), ("lstm", nn.LSTM))
    for attention, layers, variant in (
        ("none", 1, "both"),
        ("dot", 1, "fed"),
        ("dot", 2, "both fed"),
        ("general", 1, "both"),
        ("general", 1, "both fed"),
        ("general", 2, "both fed bridged"),
        ("additive", 2, "both"),
        ("additive", 1, "both bridged"),
    )
}


def search(model, source, beams, alpha=0.0):
    """The best (tokens, summed log-probabilities), and for every step of every hypothesis logits and attention."""
    memory, state = model.begin(source)
    live, ended, rows, looks = [([], 0.0, state)], [], [], []
    for _ in range(MAX_TOKENS):
        candidates = []
        for words, score, state in live:
            logits, after, weights = model.step(words[-1] if words else START, state, memory)
            rows.append(logits)
            looks += [] if weights is None else [weights[0, 0]]
            for token, value in enumerate(torch.log_softmax(logits.double(), -1).tolist()):
                candidates.append((words + [token], score + value, after))
        candidates.sort(key=lambda candidate: -candidate[1])
        kept = candidates[: beams - len(ended)]
        ended += [candidate for candidate in kept if candidate[0][-1] == END]
        live = [candidate for candidate in kept if candidate[0][-1] != END]
        if not live:
            break
    # The end counts as a token of the length.
    best = max(ended + live, key=lambda found: found[1] / ((5 + len(found[0])) / 6) ** alpha)
    return [word for word in best[0] if word != END], best[1], torch.stack(rows), looks


def main():
    results = {}
    for name, case in CASES.items():
        model = Translator(*case).eval()
        weights = {key: synthetic(key, tuple(t.shape), SEED, GAIN) for key, t in model.state_dict().items()}
        model.load_state_dict(weights)
        source = torch.tensor([[int(u * SOURCE) for u in uniform("input", STEPS, SEED)]])
        with torch.inference_mode():
            words, _, logits, looks = search(model, source, 1)
            beam, score, *_ = search(model, source, BEAMS)
            penalized, *_ = search(model, source, BEAMS, 1.0)
        print(name, words, beam, round(score, 3), penalized, flush=True)
        results[f"{name} greedy"] = torch.tensor(words).float()
        results[f"{name} logits"] = logits
        if looks:
            results[f"{name} attention"] = torch.stack(looks)
        results[f"{name} beam"] = torch.tensor(beam).float()
        results[f"{name} beam score"] = torch.tensor([score]).float()
        results[f"{name} penalized"] = torch.tensor(penalized).float()
    save_file(results, pathlib.Path(__file__).with_name("translate.safetensors"))


if __name__ == "__main__":
    main()
