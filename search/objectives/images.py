"""Which labelled images networks with weights are evaluated on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Self

from nasprof.typing import JsonObject, Progress
from search.problem import EvaluationImpossible
from supernets.data import DataOptions, DataSet, data_sets, read_data
from supernets.recalibration import Recalibration

_KEPT = 8
"""Data sets that a process keeps."""


@dataclass(frozen=True)
class LabelledImages:
    """Images that networks with weights are evaluated on, and how.

    Args:
        source: a data set by name, or its folder or file.
        split: that is classified; searches look at the validation images, so that those of the
            test stay unseen.
        most: images of the split that are classified, from its beginning; all unless given.
        recalibration: training images that recalibrate each network's batch norm.
        seed: of the splits; that of the training unless given.
        options: how the data set is read and split; as for the training unless given.

    >>> LabelledImages("digits").recalibration.images
    500
    """

    source: str | Path
    split: str = "validation"
    most: int | None = None
    recalibration: Recalibration = field(default_factory=Recalibration)
    seed: int | None = None
    options: DataOptions | None = None

    def resolved(self, trained_on: JsonObject) -> Self:
        """The same for other processes: an absolute path, and a seed.

        Args:
            trained_on: facts of the data that the weights were trained on, if known.
        """
        named = isinstance(self.source, str) and self.source in data_sets
        path = Path(self.source)
        source = str(path.absolute()) if path.exists() and not named else self.source
        seed = trained_on.get("seed", 0) if self.seed is None else self.seed
        known = DataOptions.of(trained_on.get("options", {}))
        options = known if self.options is None else self.options
        return replace(self, source=source, seed=seed, options=options)

    def read(self, image_shape: tuple[int, int, int], progress: Progress | None = None) -> DataSet:
        """The data set, at the size ``(h, w, c)``.

        Args:
            progress: told how many images have been looked at.

        Raises:
            UsageError: it cannot be found or read, naming what is wrong with it.
        """
        return read_data(
            self.source,
            image_shape,
            seed=self.seed or 0,
            options=self.options,
            progress=progress,
        )

    def read_once(self, image_shape: tuple[int, int, int], fingerprint: str) -> DataSet:
        """The same, kept for whoever asks next in this process, whatever part it looks at.

        Args:
            image_shape: ``(h, w, c)``.
            fingerprint: that they must have.

        Raises:
            EvaluationImpossible: they have another one.
            UsageError: as :meth:`read`.
        """
        whole = replace(self, split="", most=None, recalibration=Recalibration())
        return _read(whole, image_shape, fingerprint)


@lru_cache(maxsize=_KEPT)
def _read(images: LabelledImages, image_shape: tuple[int, int, int], fingerprint: str) -> DataSet:
    data = images.read(image_shape)
    if data.fingerprint != fingerprint:
        raise changed(str(images.source), "images", differing(fingerprint, data.fingerprint))
    return data


def differing(expected: str, actual: str) -> str:
    """How two digests are told apart."""
    return f"{actual[:12]}, not {expected[:12]}"


def changed(where: str, what: str, why: str) -> EvaluationImpossible:
    """An error that says so of weights or images."""
    return EvaluationImpossible(
        f"{where} has other {what} than when this was begun ({why})",
        "Values of both cannot be compared: put back the former, or begin anew.",
    )
