"""The weights and inputs that Sources/Engine/Tensor/SyntheticWeights.swift makes, made here too."""

import math

import numpy as np
import torch

SEED = 7


def uniform(name, count, seed):
    """u_i in [0, 1) of the recipe, in double precision."""
    start = 0xCBF29CE484222325
    for byte in name.encode():
        start = (start ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(start ^ seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return ((z ^ z >> np.uint64(31)) >> np.uint64(40)).astype(np.float64) / 2**24


def synthetic(name, shape, seed=SEED, gain=1.0):
    u = uniform(name, math.prod(shape), seed)
    if name.endswith("running_var"):
        values = 0.5 + u
    elif name.endswith("running_mean"):
        values = (u - 0.5) * 0.2
    elif len(shape) == 1:
        values = (u - 0.5) * 0.2 if name.endswith("bias") or "bias_" in name else 0.5 + u
    elif name == "input":
        values = 4 * u - 2
    else:
        values = (2 * u - 1) * (gain * math.sqrt(3 / math.prod(shape[1:])))
    return torch.from_numpy(values.astype(np.float32).reshape(shape))
