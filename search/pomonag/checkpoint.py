"""POMONAG's generators as files: arrays and one JSON text in an ``.npz``, without pickle."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nasprof.errors import UsageError
from nasprof.reader import Reader
from search.diffusion.build import make_learners, make_process
from search.diffusion.model import Diffusion
from search.diffusion.pool import directions
from search.diffusion.training import read_scale, scale_arrays
from search.generators.checkpoint import naming, read_checkpoint, require_space
from search.model_arrays import ModelArrays, StateArrays
from search.model_tensors import load_module, module_arrays
from search.pomonag.generator import KIND, PomonagGenerator, TrainingData
from search.pomonag.settings import PomonagSettings
from spaces import Space

_REMEDY = f"Train one: {PomonagGenerator.command} --help"


def write_generator(generator: PomonagGenerator, path: Path) -> None:
    """Write a generator as a whole or not at all."""
    diffusion, data = generator.diffusion, generator.data
    about = {
        "kind": KIND,
        "spaces": [generator.space.settings],
        "provenance": dict(generator.provenance),
        "settings": generator.settings.to_dict(),
    }
    arrays: StateArrays = {
        **module_arrays("denoiser", diffusion.denoiser),
        **scale_arrays(diffusion.scale),
        "range_ms": generator.range_ms,
        "excess": generator.excess,
        "random": data.random,
        "elites": data.elites,
        "measured": data.measured,
        "measured-top1": data.measured_top1,
    }
    if diffusion.predictor is not None:
        arrays |= module_arrays("predictor", diffusion.predictor)
    ModelArrays(about, arrays).write(path)


def read_generator(path: Path, space: Space) -> PomonagGenerator:
    """The generator in a file, which must be of ``space``.

    Raises:
        UsageError: there is no such file.
        CheckpointInvalid: it is truncated, changed, or of something else.
        SpaceMismatch: it generates architectures of another space.
    """
    stored = read_checkpoint(path, KIND, _REMEDY)
    with naming(path, _REMEDY):
        require_space(stored, space, path, _REMEDY)
        about = Reader(dict(stored.about), "generator")
        settings = PomonagSettings.of(about.take("settings", "an object"))
        data = TrainingData(
            space.canonical(stored.array("random", np.int8, (None, space.n_genes))),
            space.canonical(stored.array("elites", np.int8, (None, space.n_genes))),
            measured := space.canonical(stored.array("measured", np.int8, (None, space.n_genes))),
            stored.array("measured-top1", np.float64, (len(measured),)),
        )
        return PomonagGenerator(
            _diffusion(stored, space, settings),
            data,
            settings,
            stored.array("range_ms", np.float64, (2,)),
            stored.array("excess", np.float64, (None,)),
            about.take("provenance", "an object"),
            path,
        )


def _diffusion(stored: ModelArrays, space: Space, settings: PomonagSettings) -> Diffusion:
    names = settings.names
    n_costs = len(names) - 1
    process = make_process(space, settings)
    denoiser, predictor = make_learners(process, len(names), settings, (0, 0))
    arrays: StateArrays = dict(stored.arrays)
    has_predictor = any(name.startswith("predictor/") for name in arrays)
    try:
        load_module("denoiser", denoiser.average, arrays)
        if has_predictor:
            load_module("predictor", predictor.average, arrays)
    except (KeyError, RuntimeError, TypeError) as error:
        raise UsageError(f"its networks are not those of its settings: {error}") from error
    return Diffusion(
        process,
        denoiser.average,
        predictor.average if has_predictor else None,
        names,
        read_scale(stored, n_costs),
        directions(n_costs),
        settings,
    )
