"""Writes translate.safetensors: what PyTorch's encoder-decoders make of a source, with greedy and with beam search.

    python make_translate.py    # needs torch, safetensors, numpy

Weights are those of synthetic.py, so that only the results are stored. For each case: `greedy`, the tokens
up to the end or to MAX_TOKENS; `logits`, a row for each step of it; `beam`, `beam score` (summed log-probabilities) and
the same with a length penalty (`penalized`).
"""

import math
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

from synthetic import synthetic, uniform

SOURCE, TARGET, EMBEDDING, HIDDEN = 23, 19, 10, 24
START, END, MAX_TOKENS, BEAMS, STEPS = 1, 16, 12, 3, 9
SEED, GAIN = 7, 3.0


class Encoder(nn.Module):
    def __init__(self, kind, layers):
        super().__init__()
        self.embedding = nn.Embedding(SOURCE, EMBEDDING)
        self.rnn = kind(EMBEDDING, HIDDEN, layers, batch_first=True)

    def forward(self, source):
        return self.rnn(self.embedding(source))


class Decoder(nn.Module):
    def __init__(self, kind, layers, inputs):
        super().__init__()
        self.embedding = nn.Embedding(TARGET, EMBEDDING)
        self.rnn = kind(inputs, HIDDEN, layers, batch_first=True)


class Additive(nn.Module):
    """Bahdanau's, as in PyTorch's tutorial."""

    def __init__(self):
        super().__init__()
        self.Wa, self.Ua, self.Va = (nn.Linear(HIDDEN, outputs) for outputs in (HIDDEN, HIDDEN, 1))

    def forward(self, query, memory):
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(memory)))
        return torch.softmax(scores.transpose(1, 2), -1) @ memory


class Translator(nn.Module):
    def __init__(self, kind, layers, attention, relu=False):
        super().__init__()
        self.kind, self.relu = attention, relu
        self.encoder = Encoder(kind, layers)
        self.decoder = Decoder(kind, layers, EMBEDDING + (HIDDEN if attention == "additive" else 0))
        if attention == "additive":
            self.attention = Additive()
        if attention == "general":
            self.attention = nn.Linear(HIDDEN, HIDDEN)
        if attention in ("dot", "general"):
            self.concat = nn.Linear(2 * HIDDEN, HIDDEN)
        self.head = nn.Linear(HIDDEN, TARGET)

    def step(self, token, state, memory):
        """The logits of the token that follows, and the state after the step."""
        x = self.decoder.embedding(torch.tensor([[token]]))
        if self.relu:
            x = torch.relu(x)
        if self.kind == "additive":
            hidden = state[0] if isinstance(state, tuple) else state
            x = torch.cat([x, self.attention(hidden[-1:].transpose(0, 1), memory)], -1)
        h, state = self.decoder.rnn(x, state)
        if self.kind in ("dot", "general"):
            keys = memory if self.kind == "dot" else self.attention(memory)
            context = torch.softmax(h @ keys.transpose(1, 2), -1) @ memory
            h = torch.tanh(self.concat(torch.cat([context, h], -1)))
        return self.head(h)[0, 0], state


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
}


def search(model, source, beams, alpha=0.0):
    """The best (tokens, summed log-probabilities), and the logits of every step of every hypothesis."""
    memory, state = model.encoder(source)
    live, ended, rows = [([], 0.0, state)], [], []
    for _ in range(MAX_TOKENS):
        candidates = []
        for words, score, state in live:
            logits, after = model.step(words[-1] if words else START, state, memory)
            rows.append(logits)
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
    return [word for word in best[0] if word != END], best[1], torch.stack(rows)


def main():
    results = {}
    for name, case in CASES.items():
        model = Translator(*case).eval()
        weights = {key: synthetic(key, tuple(t.shape), SEED, GAIN) for key, t in model.state_dict().items()}
        model.load_state_dict(weights)
        source = torch.tensor([[int(u * SOURCE) for u in uniform("input", STEPS, SEED)]])
        with torch.inference_mode():
            words, _, logits = search(model, source, 1)
            beam, score, _ = search(model, source, BEAMS)
            penalized, _, _ = search(model, source, BEAMS, 1.0)
        print(name, words, beam, round(score, 3), penalized, flush=True)
        results[f"{name} greedy"] = torch.tensor(words).float()
        results[f"{name} logits"] = logits
        results[f"{name} beam"] = torch.tensor(beam).float()
        results[f"{name} beam score"] = torch.tensor([score]).float()
        results[f"{name} penalized"] = torch.tensor(penalized).float()
    save_file(results, pathlib.Path(__file__).with_name("translate.safetensors"))


if __name__ == "__main__":
    main()
