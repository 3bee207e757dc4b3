"""Accuracy models from measured networks: the call behind ``nassearch fit``, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from luts.files import refuse_existing
from nasprof.files import write_together
from nasprof.log import logger
from nasprof.typing import JsonObject
from search.accuracy.base import warn_of_doubts
from search.accuracy.card import model_card
from search.accuracy.files import accuracy_files, stem
from search.accuracy.fit import fit_measurements
from search.accuracy.kernel import KernelAccuracy
from search.accuracy.measurements import MeasuredAccuracy, read_measurements
from spaces import Space
from spaces.named import space_settings


@dataclass(frozen=True)
class FittedAccuracy:
    """A fitted accuracy model, and where it was written.

    Args:
        path: of the model; None where it was not written.
        card: of the model card in Markdown, likewise.
    """

    model: KernelAccuracy
    path: Path | None = None
    card: Path | None = None

    def to_dict(self) -> JsonObject:
        """As JSON, like ``nassearch fit --json``."""
        return {
            "path": None if self.path is None else str(self.path),
            "card": None if self.card is None else str(self.card),
            "space": self.model.space.settings,
            "kernel": self.model.process.kernel.form,
            **self.model.provenance,
            "doubts": self.model.doubts,
        }


def fit_accuracy(
    measured: str | Path | MeasuredAccuracy,
    output: str | Path | None = None,
    *,
    space: Space | str | Mapping[str, object] = "ofa-mbv3",
    source: str | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> FittedAccuracy:
    """Learn top-1 accuracy from measured networks, by Gaussian-process regression.

    Args:
        measured: networks with their accuracies, or a CSV file of them (also ``.csv.gz``).
        output: where model and model card are written: a file (``.npz``), or a name among one's
            own models; nowhere unless given.
        space: of architectures of a file that do not tell it: a space, its name, or its settings.
        source: where the measurements are from, for the model card; the file's name unless given.
        seed: of the folds of cross-validation.
        overwrite: replace the output if it exists.

    Returns:
        The model, with its cross-validated errors in its provenance.

    Raises:
        UsageError: the output exists, or a line of the file is wrong, naming the field.
        CannotRank: the measurements do not allow to tell good networks from bad ones.

    >>> import numpy as np
    >>> from spaces import get_space
    >>> space = get_space("nasbench201", cells=1)
    >>> genes = space.sample(60, np.random.default_rng(0))
    >>> top1 = 60 + genes.sum(1) + 0.01 * genes[:, 0]
    >>> fitted = fit_accuracy(MeasuredAccuracy.of(space, genes, top1))
    >>> fitted.to_dict()["cross_validation"]["spearman"] > 0.95
    True
    """
    path = None if output is None else accuracy_files.path(str(output))
    for existing in _files(path):
        refuse_existing(existing, overwrite)
    if isinstance(measured, MeasuredAccuracy):
        name = source = source or "measurements"
    else:
        name, source = stem(Path(measured)), source or Path(measured).name
        measured = read_measurements(Path(measured), _settings(space))
    logger.info(f"Fitting {len(measured)} distinct networks of {measured.space.label} ...")
    model = fit_measurements(measured, name if path is None else path.stem, source, seed)
    warn_of_doubts(model)
    return FittedAccuracy(model) if path is None else _written(model, path)


def _files(path: Path | None) -> tuple[Path, ...]:
    """A model's file and its card; none where it is not written."""
    return () if path is None else (path, path.with_suffix(".md"))


def _written(model: KernelAccuracy, path: Path) -> FittedAccuracy:
    """The model with its card, written together: a full disk leaves neither alone."""
    path, card = _files(path)
    write_together({path: model.as_arrays().to_bytes(), card: model_card(model).encode()})
    logger.info(f"Written to {path}, with its card {card.name}")
    return FittedAccuracy(model, path, card)


def _settings(space: Space | str | Mapping[str, object]) -> Mapping[str, object]:
    if isinstance(space, Space):
        return space.settings
    return space_settings(space)
