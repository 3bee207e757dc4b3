"""Trade-offs for tests: made-up models of small spaces, and the shipped ones."""

from __future__ import annotations

from functools import cache

import numpy as np
from tables import CELLS, audited_table

from luts import read_cost_model
from luts.learned import LearnedCostModel
from luts.training import TrainingSet
from search.accuracy import read_accuracy_model
from search.accuracy.ridge import AdditiveAccuracy
from search.objectives.trade_off import TradeOff
from search.pnag.settings import TrainingSettings
from search.pnag.training import train
from spaces import get_space
from spaces.additive import gene_groups

MOBILE = get_space("ofa-mbv3")
FITTED = {"fitted_to": "made up", "networks": 1, "r2": 1.0, "spearman": 1.0}


def made_up_accuracy(space, name="made-up", seed=0):
    """Random contributions of each group of genes, larger where there is more to compute."""
    rng = np.random.default_rng(seed)
    base = np.zeros((1, space.n_genes), np.int8)
    parts = []
    for place, values in gene_groups(space):
        genes = np.repeat(base, len(values), 0)
        genes[:, place] = values
        more = (space.macs(genes) - space.macs(base)) / space.macs(base)
        parts.append(np.log1p(more) + rng.normal(0, 0.02, len(values)))
    return AdditiveAccuracy(name, space, 70.0, tuple(parts), FITTED)


def accuracy_by_macs(space, path):
    """Write an accuracy model of a space of one part: the more MACs the better."""
    ((_, cells),) = space.parts
    parts = (space.macs(cells) / space.macs(cells).max() * 30,)
    AdditiveAccuracy(path.stem, space, 50.0, parts, FITTED).as_arrays().write(path)


@cache
def cells():
    """Both models additive; the space has one part, so that nothing is easy."""
    return TradeOff.of(made_up_accuracy(CELLS), audited_table(CELLS))


@cache
def mobile():
    """The shipped models of OFA-MobileNetV3."""
    table = read_cost_model("cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224")
    return TradeOff.of(read_accuracy_model("imagenet"), table)


@cache
def learned():
    """A cost that is no sum, learned from 60 cells."""
    rng = np.random.default_rng(0)
    genes = np.unique(CELLS.sample(60, rng, "biased"), axis=0)
    times = audited_table(CELLS).latency_ms(genes) ** 0.8 * rng.lognormal(0, 0.01, len(genes))
    training = TrainingSet.of(CELLS.decode(genes), times.tolist())
    model = LearnedCostModel.fit("learned", training, {"device": "made up"})
    return TradeOff.of(made_up_accuracy(CELLS), model)


MODELS = {"cells": cells, "mobile": mobile, "learned": learned}
HARDLY = {"knots": 4, "steps": 6, "groups": 6, "samples": 8, "embedding": 6, "hidden": 8}
"""Settings of a training that is over at once."""


@cache
def generator_for(name):
    """A hardly trained generator: what is promised of answers has to hold all the same."""
    return train(MODELS[name](), TrainingSettings(**HARDLY))


def budgets_of(trade_off, *shares):
    """Budgets by their place between the fastest and the slowest."""
    ends, slack = trade_off.extremes, trade_off.bound(0.95).factor
    return [slack * (ends.min_ms + share * (ends.max_ms - ends.min_ms)) for share in shares]
