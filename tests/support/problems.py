"""Problems with made-up values, and engines that search them quickly."""

from __future__ import annotations

import numpy as np

from nasprof.settings import setting_infos
from search.engines import engines, make_engine
from search.problem import Limit, Objective, Problem


def made_up(space, share=None, seed=0):
    """Random additive accuracy against MACs, which may be limited to a share of their range."""
    worth = np.sort(np.random.default_rng(seed).random(len(space.vocabulary)))
    objectives = (
        Objective(
            "top1", "%", lambda g: 60 + space.additive(g, worth), maximise=True, additive=True
        ),
        Objective("macs", "M", lambda g: space.macs(g) / 1e6, additive=True),
    )
    if share is None:
        return Problem(space, objectives)
    macs = space.macs(
        np.concatenate([part_ends(space), space.sample(500, np.random.default_rng(1))])
    )
    low, high = macs.min() / 1e6, macs.max() / 1e6
    return Problem(space, objectives, {"macs": Limit.of_budget(low + share * (high - low))})


def part_ends(space):
    """The architectures of the first and of the last choice everywhere."""
    return space.canonical(np.stack([np.zeros(space.n_genes, np.int8), space.n_choices - 1]))


QUICK = {"predictor": "ridge", "inner_evaluations": 400}
SMALL = {
    "linas": {**QUICK, "population": 16},
    "motpe": {"startup": 16, "candidates": 4},
    "nat": {"predictor": "ridge", "initial": 20, "batch": 8, "population": 12, "generations": 10},
    "pomonag": {
        "predictor": "ridge",
        "initial": 20,
        "population": 16,
        "width": 16,
        "pool": 200,
        "steps": 20,
        "round_steps": 5,
        "samples": 48,
        "mutants": 64,
    },
    "oneshot": {**QUICK, "samples": 40, "batch": 16},
}
"""Settings with which engines behave as by default, but take less time."""


def settings_of(name):
    """What is known of each setting of an engine, by name."""
    return {info.name: info for info in setting_infos(type(engines.get(name).settings))}


def engine_for(name, problem, seed=0, first=None, **settings):
    """An engine with settings that take little time, and those of the others that it has."""
    rng = np.random.default_rng(seed)
    settings = {key: value for key, value in settings.items() if key in settings_of(name)}
    return make_engine(name, SMALL.get(name, {}) | settings).setup(problem, rng, first)
