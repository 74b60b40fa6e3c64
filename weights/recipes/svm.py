"""Linear support vector machines, and the probabilities of their margins."""

import numpy as np
import torch
from torch.nn import functional as F


def fit_svm(positives, negatives, cost, start=None):
    """A linear SVM, squared hinge, weights and then the bias; a positive weighs twice."""
    x = torch.from_numpy(np.concatenate([positives, negatives]))
    y = torch.cat([torch.ones(len(positives)), -torch.ones(len(negatives))])
    weight = torch.zeros(x.shape[1] + 1) if start is None else torch.from_numpy(start).clone()
    weight.requires_grad_(True)
    optimizer = torch.optim.LBFGS([weight], max_iter=60, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        slack = F.relu(1 - y * (x @ weight[:-1] + weight[-1]))
        value = weight[:-1].square().sum() / 2 + cost * (torch.where(y > 0, 2.0, 1.0) * slack.square()).sum()
        value.backward()
        return value

    optimizer.step(loss)
    return weight.detach().numpy()


def margins(svm, features):
    return features @ svm[:-1] + svm[-1]


def platt(scores, right):
    """The scale and shift that make log-odds of margins (Platt 1999, with his targets)."""
    x, y = torch.tensor(scores, dtype=torch.float64), torch.tensor(right, dtype=torch.float64)
    target = torch.where(y > 0, (y.sum() + 1) / (y.sum() + 2), 1 / (len(y) - y.sum() + 2))
    line = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([line], max_iter=100, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = F.binary_cross_entropy_with_logits(line[0] * x + line[1], target)
        value.backward()
        return value

    optimizer.step(loss)
    return line.detach().numpy().astype(np.float32)
