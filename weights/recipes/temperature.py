"""Trains a tanh `rnn` on Melbourne's daily minimum temperatures and writes `weights/temperature`.

The model sees the last 120 days and says the next one. Split in time: 1981-1987 for training, 1988 chooses the
epoch, 1989-1990 for reporting, beside the naive forecast, which is the temperature of the day before.

    python temperature.py --data DATA --output ../temperature --threads 1
"""

import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import common
import files
import fitting

HISTORY = 120  # days that a forecast looks back


class Forecaster(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.rnn = nn.RNN(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, series):
        """The next value after each step. *Shape*: batch × days → batch × days."""
        return self.head(self.rnn(series[..., None])[0])[..., 0]


def main():
    options = common.arguments(__doc__, epochs=60, batch=32, rate=3e-3, decay=0.01, hidden=32, warmup=40)
    common.seed_everything(options.seed, options.threads)
    days = files.read_temperatures(options.data)
    values = torch.tensor([value for _, value in days], dtype=torch.float32)
    first_dev, first_test = (next(i for i, (date, _) in enumerate(days) if date >= year) for year in ("1988", "1989"))
    mean, std = values[:first_dev].mean(), values[:first_dev].std()
    scaled = (values - mean) / std

    model = Forecaster(options.hidden)
    starts = torch.arange(first_dev - HISTORY - 1)
    fitter = fitting.Fitter(model, options, options.epochs * (len(starts) // options.batch + 1), 0.99, pct_start=0.2)
    generator = torch.Generator().manual_seed(options.seed)
    judge = copy.deepcopy(model)
    for epoch in range(options.epochs):
        losses = []
        for rows in starts[torch.randperm(len(starts), generator=generator)].split(options.batch):
            windows = torch.stack([scaled[row : row + HISTORY + 1] for row in rows])
            # The first days of a window have too little before them to be judged by.
            loss = F.mse_loss(model(windows[:, :-1])[:, options.warmup :], windows[:, 1 + options.warmup :])
            losses.append(fitter.step(loss))
        judge.load_state_dict(fitter.averaged.state)
        held = errors(judge, scaled, first_dev, first_test)[1] * std
        fitter.keep_if_best(-held)
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, RMSE of 1988 {held:.4f}", flush=True)

    common.write_model(options.output, fitter.best[1], manifest(mean, std), None)
    judge.load_state_dict(fitter.best[1])
    mae, rmse = (error * std for error in errors(judge, scaled, first_test, len(scaled)))
    change = (values[first_test:] - values[first_test - 1 : -1]).numpy()
    print(f"test MAE {mae:.4f}, RMSE {rmse:.4f}; naive {np.abs(change).mean():.4f}, {(change**2).mean() ** 0.5:.4f}")


@torch.no_grad()
def errors(model, series, first, end):
    """The mean absolute error and the root of the mean squared one over the days `first` ..< `end`."""
    windows = torch.stack([series[day - HISTORY : day] for day in range(first, end)])
    difference = model(windows)[:, -1] - series[first:end]
    return difference.abs().mean(), difference.square().mean().sqrt()


def manifest(mean, std):
    scaling = {"mean": [round(mean.item(), 6)], "std": [round(std.item(), 6)]}
    return {
        "architecture": "rnn",
        "task": "sequence-regression",
        "weights": "model.safetensors",
        "input": {"kind": "features", "size": 1, **scaling, "max_length": 4000},
        "output": scaling,
        "pooling": "last",
        "provenance": {
            "source": "weights/recipes/temperature.py",
            "license": "the project's own weights, trained from random initialisation",
            "dataset": "daily minimum temperatures in Melbourne, 1981-1990 (Australian Bureau of Meteorology)",
        },
    }


if __name__ == "__main__":
    main()
