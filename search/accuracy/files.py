"""Where accuracy models are kept, and reading and writing them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.named_files import NamedFiles
from search.accuracy.base import AccuracyModel, accuracy_models
from search.accuracy.errors import AccuracyModelInvalid
from search.accuracy.measurements import read_measurements
from search.accuracy.mlp import SHAPES, OfaMlp, read_checkpoint
from search.model_arrays import ModelFileInvalid, parse_arrays, read_arrays
from spaces import Space

if TYPE_CHECKING:
    from search.accuracy.kernel import KernelAccuracy

_TABLES = (".csv", ".csv.gz")
_PROBES = 32
_BEYOND = 150.0
"""Points about 50 % that an extrapolation may come to."""


accuracy_files = NamedFiles(
    folder="accuracy",
    suffix=".npz",
    shipped=("search", "accuracy", "models"),
    noun="an accuracy model",
    origin="fit one to your own measurements: nassearch fit",
    readable=(".pth", *_TABLES),
)
"""Where accuracy models are kept."""


def read_accuracy_model(name: str | Path) -> AccuracyModel:
    """The accuracy model in a file, or the known one of that name.

    A file is what ``nassearch fit`` wrote, OFA's predictor as ``.pth`` or ``.npz``, or a table of
    measured networks as ``.csv``, which is fitted and cross-validated here.

    Args:
        name: of a model, or its file.

    Returns:
        The model; why its predictions should be taken with care, if so, is in its ``doubts``.

    Raises:
        UsageError: there is none.
        AccuracyModelInvalid: the file is damaged or of something else.
        CannotRank: a table does not allow to tell good networks from bad ones.

    >>> read_accuracy_model("imagenet").spaces[0].label
    'ofa-mbv3 w1.0@224'
    """
    if str(name).endswith(".safetensors"):
        raise UsageError(
            f"{name} is no accuracy model, but a supernet, whose networks are evaluated",
            f"Search with it: nassearch run --objectives top1@{name},latency --data DIR. Or learn "
            f"a model from it: nassearch fit {name} --data DIR",
        )
    path = accuracy_files.find(str(name))
    if path.name.endswith(_TABLES):
        return fit_table(path)
    try:
        model = _from_pth(path) if path.suffix == ".pth" else _from_npz(path)
        _require_percent(model)
        return model
    except (AccuracyModelInvalid, ModelFileInvalid) as error:
        raise _of_file(path, error) from error


def _require_percent(model: AccuracyModel) -> None:
    """Weights that are finite, and fit their digest, may still predict no accuracies.

    Raises:
        AccuracyModelInvalid: what it predicts for a few networks.
    """
    for space in model.spaces:
        wrong = _beyond(model, space)
        if len(wrong):
            raise AccuracyModelInvalid(
                f"it predicts {wrong[0]:.4g} % for a network of {space.label}, expected percent",
                "It was made of numbers that are no accuracies; fit it again: nassearch fit --help",
            )


def _beyond(model: AccuracyModel, space: Space) -> NDArray[np.float64]:
    """Predictions and deviations that are none, of a few networks."""
    genes = space.sample(_PROBES, np.random.default_rng(0), "biased")
    try:
        with np.errstate(all="ignore"):
            top1, std = model.top1(genes, space), model.std(genes, space)
    except (ValueError, ArithmeticError):  # of linear algebra with such numbers
        return np.array([np.nan])
    deviations = np.zeros(0) if std is None else std[~((std >= 0) & (std <= _BEYOND))]
    return np.append(top1[~(np.abs(top1 - 50) <= _BEYOND)], deviations)


def _from_pth(path: Path) -> AccuracyModel:
    return OfaMlp.of(read_checkpoint(path), path.stem)


def _from_npz(path: Path) -> AccuracyModel:
    arrays = read_arrays(path)
    if not set(SHAPES).isdisjoint(arrays) and "about" not in arrays:
        return OfaMlp.of(arrays, path.stem)
    try:
        stored = parse_arrays(arrays)
        kind = stored.kind
        return accuracy_models.get(kind).from_arrays(stored, path.stem)
    except AccuracyModelInvalid:
        raise
    except UsageError as error:
        raise AccuracyModelInvalid(error.message, error.remedy) from error


def _of_file(path: Path, error: UsageError) -> AccuracyModelInvalid:
    """The error with the name of the file in front."""
    message = error.message if str(path) in error.message else f"{path}: {error.message}"
    return AccuracyModelInvalid(message, error.remedy)


def fit_table(path: Path) -> KernelAccuracy:
    """The model of a table of measured networks, cross-validated; the same each time.

    Raises:
        UsageError: naming the line and field that is wrong.
        CannotRank: the table does not allow to tell good networks from bad ones.
    """
    from search.accuracy.fit import fit_measurements  # loads scipy, which reading does not need

    return fit_measurements(read_measurements(path), stem(path), path.name)


def stem(path: Path) -> str:
    """The name of a table without what it ends in."""
    return path.name.removesuffix(".gz").removesuffix(".csv")


def write_accuracy_model(model: AccuracyModel, path: Path) -> None:
    """Write a model as a whole or not at all."""
    model.as_arrays().write(path)
