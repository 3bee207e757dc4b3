"""Validity without repair, uniqueness and novelty by encoding, head, process and network."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import numpy as np
from pomonag_common import Sheet, add_common_arguments, timed, training_for

from nasprof.threads import one_torch_thread
from search.pomonag.quality import Interval, Quality

TRANSFORMER = {"network": "transformer", "width": 64, "blocks": 12}
"""As published (An et al. 2024, Appendix C)."""
PUBLISHED = {"encoding": "published", "head": "linear"}
REVERSE_SDE = {"sampler": "euler-maruyama", "sampling_steps": 1000}
WAYS: Mapping[str, Mapping[str, object]] = {
    "genes, softmax, gaussian, mlp": {},
    "genes, linear, gaussian, mlp": {"head": "linear"},
    "genes, masked, mlp": {"process": "masked"},
    "genes, softmax, gaussian, transformer": TRANSFORMER,
    "blocks, softmax, gaussian, mlp": {"encoding": "blocks"},
    "blocks, linear, gaussian, mlp": {"encoding": "blocks", "head": "linear"},
    "blocks, masked, mlp": {"encoding": "blocks", "process": "masked"},
    "published, linear, gaussian, mlp": PUBLISHED,
    "published, linear, gaussian, mlp; 1,000 steps": {**PUBLISHED, **REVERSE_SDE},
    "published, linear, gaussian, transformer": {**PUBLISHED, **TRANSFORMER},
}
"""What is trained with otherwise the same settings, of the denoiser alone."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which problems and seeds, and how long the transformer is trained."""
    add_common_arguments(parser)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument(
        "--transformer-steps", type=int, default=300, help="a tenth of a second each"
    )


def measure(given: argparse.Namespace) -> None:
    """A row a way of encoding, denoising and sampling."""
    columns = {
        "steps": 0,
        "validity": 4,
        "uniqueness": 4,
        "novelty": 4,
        "train_s": 1,
        "sample_s": 2,
    }
    sheet = Sheet("quality", ("problem", "way"), columns)
    for name in given.problems:
        for way, changes in WAYS.items():
            if name == "NB" and changes.get("encoding") == "blocks":
                continue
            for seed in given.seeds:
                with one_torch_thread():
                    sheet.add(name, way, **quality(name, changes, seed, given))
    intervals = {
        " ".join(row): {
            column: Interval.of(kept[column]).to_dict()
            for column in ("validity", "uniqueness", "novelty")
        }
        for row, kept in sheet.rows.items()
    }
    sheet.report(given, samples=given.samples, intervals_95=intervals)


def quality(
    name: str, changes: Mapping[str, object], seed: int, given: argparse.Namespace
) -> dict[str, float]:
    """Train one denoiser, and judge what it samples without any condition."""
    steps = given.transformer_steps if "network" in changes else given.steps
    training = training_for(
        name, seed, **{"steps": steps, "rounds": 0, "predictor_steps": 0, **changes}
    )
    model, train_s = timed(training.run)
    rng = np.random.default_rng(seed)
    samples, sample_s = timed(lambda: model.sample(given.samples, rng))
    found = Quality.of(samples, training.pool.genes)
    return {"steps": steps, **vars(found), "train_s": train_s, "sample_s": sample_s}
