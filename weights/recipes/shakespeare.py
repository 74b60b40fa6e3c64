"""Trains a character `lstm` on tiny Shakespeare and writes `weights/shakespeare`.

The first 88 % of the text are for training, the next 2 % choose the epoch, the last 10 % are for reporting. The
text is cut into as many streams as a batch has rows; the state is carried from window to window and the gradient
ends at a window's beginning (truncated backpropagation through time). Each epoch cuts the streams elsewhere.

Line 0 of the vocabulary is `<unk>`, which stands for characters that Shakespeare does not use; it is trained by
replacing characters of the input at random, and is never a target.

    python shakespeare.py --data DATA --output ../shakespeare --checkpoint shakespeare.pt
"""

import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import common
import fitting

UNKNOWN = "<unk>"


class CharacterModel(nn.Module):
    def __init__(self, vocabulary, embedding, hidden, layers, dropout):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.rnn = nn.LSTM(embedding, hidden, layers, batch_first=True, dropout=dropout if layers > 1 else 0)
        self.head = nn.Linear(hidden, vocabulary)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens, state=None):
        output, state = self.rnn(self.embedding(tokens), state)
        return self.head(self.dropout(output)), state


def main():
    options = common.arguments(
        __doc__, epochs=14, batch=32, window=128, rate=4e-3, decay=0.02, dropout=0.35, unknown=0.002,
        embedding=64, hidden=512, layers=1,
    )
    common.seed_everything(options.seed, options.threads)
    text = (options.data / "tinyshakespeare.txt").read_text(encoding="utf-8")
    vocabulary = [UNKNOWN, *sorted(set(text))]
    index = {character: i for i, character in enumerate(vocabulary)}
    tokens = torch.tensor([index[character] for character in text])
    train, dev, test = tokens.tensor_split([len(tokens) * 88 // 100, len(tokens) * 9 // 10])

    model = CharacterModel(len(vocabulary), options.embedding, options.hidden, options.layers, options.dropout)
    windows = (len(train) // options.batch - 1) // options.window
    fitter = fitting.Fitter(model, options, options.epochs * windows, 0.995, pct_start=0.1, final_div_factor=100)
    parts = {"model": model, "optimizer": fitter.optimizer, "schedule": fitter.schedule}
    first = 0
    if state := common.load_checkpoint(options.checkpoint):
        first, fitter.averaged.state, fitter.best = state["epoch"], state["averaged"], state["best"]
        for key, part in parts.items():
            part.load_state_dict(state[key])
    judge = CharacterModel(len(vocabulary), options.embedding, options.hidden, options.layers, 0)
    for epoch in range(first, options.epochs):
        start, losses, state = time.time(), [], None
        generator = torch.Generator().manual_seed(options.seed * 1000 + epoch)
        model.train()
        for x, y in streams(train, options.batch, options.window, generator):
            x = torch.where(torch.rand(x.shape, generator=generator) < options.unknown, 0, x)
            logits, state = model(x, state)
            state = tuple(part.detach() for part in state)
            loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
            losses.append(fitter.step(loss))
        judge.load_state_dict(fitter.averaged.state)
        held = nats(judge, dev)
        fitter.keep_if_best(-held)
        print(
            f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, held-out {held:.4f}, {time.time() - start:.0f} s",
            flush=True,
        )
        common.save_checkpoint(
            options.checkpoint, epoch=epoch + 1, averaged=fitter.averaged.state, best=fitter.best,
            **{key: part.state_dict() for key, part in parts.items()},
        )

    common.write_model(options.output, fitter.best[1], manifest(), None, vocabulary, torch.float16)
    judge.load_state_dict(fitting.half(fitter.best[1]))
    print(f"test nats per character {nats(judge, test):.4f}")


def streams(tokens, batch, window, generator):
    """Windows of `batch` streams and the same one character later; each window goes on where the last one ended."""
    length = (len(tokens) // batch - 1) // window * window
    offset = torch.randint(len(tokens) - batch * length, (), generator=generator).item()
    rows = tokens[offset : offset + batch * length + 1]
    x, y = (rows[shift : shift + batch * length].view(batch, length) for shift in (0, 1))
    return zip(x.split(window, 1), y.split(window, 1))


@torch.no_grad()
def nats(model, tokens, window=1000):
    """The mean of −log p of each character but the first, given all before it."""
    model.eval()
    total, state = 0.0, None
    for x, y in zip(tokens[:-1].split(window), tokens[1:].split(window)):
        logits, state = model(x[None], state)
        total += F.cross_entropy(logits[0], y, reduction="sum").item()
    return total / (len(tokens) - 1)


def manifest():
    return {
        "architecture": "lstm",
        "task": "text-generation",
        "weights": "model.safetensors",
        "input": {
            "kind": "text", "tokenizer": "characters", "vocabulary": "vocab.txt", "unknown": UNKNOWN,
            "max_length": 4096,
        },
        "provenance": {
            "source": "weights/recipes/shakespeare.py",
            "license": "the project's own weights, trained from random initialisation",
            "dataset": "tiny Shakespeare (Karpathy 2015; the text is in the public domain)",
        },
    }


if __name__ == "__main__":
    main()
