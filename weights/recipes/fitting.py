"""How the recipes for sequences fit a network: AdamW over one cycle of the learning rate, averaged weights, the best epoch."""

import copy

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

import common


class Fitter:
    """Takes a network through the batches of its training."""

    def __init__(self, model, options, steps, average, **cycle):
        """`steps` batches are to come; `average` is how much of the averaged weights each leaves."""
        self.model = model
        self.averaged = common.Averaged(model, decay=average)
        self.optimizer = torch.optim.AdamW(model.parameters(), options.rate, weight_decay=options.decay)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, options.rate, total_steps=steps, **cycle)
        self.best = None

    def step(self, loss):
        """Follows the clipped gradient of a batch's loss; returns the loss as a number."""
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.schedule.step()
        self.averaged.update(self.model)
        return loss.item()

    def keep_if_best(self, score):
        """Keeps the averaged weights, for `best[1]`, when their score is the highest so far."""
        if self.best is None or score > self.best[0]:
            self.best = (score, copy.deepcopy(self.averaged.state))


def shuffled(count, batch, generator):
    """The rows of an epoch's full batches."""
    return [rows for rows in torch.randperm(count, generator=generator).split(batch) if len(rows) == batch]


def pad(tokens):
    """Sequences as one tensor with zeros behind the shorter ones, and their lengths."""
    return pad_sequence(tokens, batch_first=True), torch.tensor([len(t) for t in tokens])


def half(state):
    """The weights as a file of 16-bit floats gives them back."""
    return {name: value.half().float() for name, value in state.items()}
