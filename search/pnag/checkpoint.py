"""PNAG's generators as files: arrays and one JSON text in an ``.npz``, without pickle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasprof.named_files import NamedFiles
from nasprof.reader import Reader
from search.generators.checkpoint import Arrays, naming, read_checkpoint, require_space
from search.model_arrays import ModelArrays
from search.pnag.budgets import BudgetScale
from search.pnag.generator import Generator
from search.pnag.policy import Policy, shapes
from spaces import Space

GENERATOR = "pnag-generator"
TRAINING = "pnag-training"
_REMEDY = f"Train one: {Generator.command} --help"

generator_files = NamedFiles(
    folder="generators",
    suffix=".npz",
    shipped=("search", "pnag", "generators"),
    noun="a generator",
    origin="train one: nassearch train",
)
"""Where generators are kept."""


def write_generator(generator: Generator, path: Path) -> None:
    """Write a generator as a whole or not at all."""
    about = {
        "kind": GENERATOR,
        "spaces": [generator.space.settings],
        "provenance": dict(generator.provenance),
    }
    arrays: Arrays = dict(generator.policy.weights)
    arrays |= {"knots_ms": generator.scale.knots_ms, "elites": generator.elites}
    ModelArrays(about, arrays).write(path)


def read_generator(path: Path, space: Space) -> Generator:
    """The generator in a file, which must be of ``space``.

    Raises:
        UsageError: there is no such file.
        CheckpointInvalid: it is truncated, changed, or of something else.
        SpaceMismatch: it generates architectures of another space.
    """
    stored = read_checkpoint(path, GENERATOR, _REMEDY)
    with naming(path, _REMEDY):
        require_space(stored, space, path, _REMEDY)
        knots_ms = stored.array("knots_ms", np.float64, (None,))
        scale = BudgetScale(knots_ms)
        provenance = Reader(dict(stored.about), "generator").take("provenance", "an object")
        weights: dict[str, NDArray[np.float32]] = {}
        for name, shape in shapes(space, len(knots_ms)).items():
            weights[name] = stored.array(name, np.float32, shape)
        policy = Policy(space, weights)
        policy.sample(np.eye(len(knots_ms), dtype=np.float32)[:1], np.random.default_rng(0))
        elites = space.canonical(stored.array("elites", np.int8, (None, space.n_genes)))
    return Generator(policy, scale, elites, provenance, path)
