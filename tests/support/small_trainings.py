"""Trainings of a few steps, on real images."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from small_supernets import SPACES

from supernets import Recipe, Supernet, TrainingOptions, read_data, train

SPACE = SPACES["ofa-mbv3"]
OFTEN = TrainingOptions(save_every_s=0.0, check_images=40)


@lru_cache
def digits():
    return read_data("digits", (16, 16, 1))


def train_digits(path, recipe=None, options=None, *, progress=None, **settings):
    """A supernet after a short training, and the training's result."""
    supernet = Supernet(SPACE, rng=np.random.default_rng(0))
    recipe = recipe or Recipe(**{"steps": 8, "batch": 16, **settings})
    options = options or TrainingOptions(check_images=40)
    result = train(supernet, digits(), recipe, checkpoint=path, options=options, progress=progress)
    return supernet, result


def same_weights(first, second):
    """Whether two supernets have the same weights and statistics, bit for bit."""
    one, two = first.state_dict(), second.state_dict()
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


class StopAfter:
    """Interrupts a training after a step, as Ctrl-C does."""

    def __init__(self, step):
        self.step = step

    def __call__(self, status):
        if status.step == self.step:
            raise KeyboardInterrupt
