"""An accuracy model of one data set: what a predictor says of every cell on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.reader import Reader
from nasprof.typing import Array, JsonObject
from search.accuracy.base import AccuracyModel
from search.model_arrays import ModelArrays
from search.tasks.cell_features import known_cells
from spaces import Genes, Space
from spaces.nasbench201 import NasBench201Space


@dataclass(frozen=True)
class TaskAccuracy(AccuracyModel):
    """The accuracies of all cells of NAS-Bench-201 on one data set.

    Args:
        name: of the model.
        spaces: of cells, whatever their sizes: the order of cells is taken for the same.
        table: accuracy in percent by the cell's place among all, ``(15625,)``.
        error: standard deviation in points.
        provenance: the images, the predictor and its encoder, ``spearman`` on other data sets.
    """

    kind: ClassVar[str] = "task"
    alternative: ClassVar[str] = (
        "The predictor of data sets has learned cells of nasbench201; for other spaces fit an "
        "accuracy model: nassearch fit --help"
    )

    name: str
    spaces: tuple[Space, ...]
    table: Array
    error: float
    provenance: JsonObject

    def top1(self, genes: Genes, space: Space | None = None) -> Array:
        space = self.space_of(space)
        codes = space.checked(genes).astype(np.int64) @ self._place_values
        values: Array = self.table[codes]
        return values

    def std(self, genes: Genes, space: Space | None = None) -> Array:
        """Of the level, mostly; the order of cells is better known than that."""
        return np.full(len(self.top1(genes, space)), self.error)

    @cached_property
    def _place_values(self) -> NDArray[np.int64]:
        choices = self.spaces[0].n_choices.astype(np.int64)
        values: NDArray[np.int64] = np.append(np.cumprod(choices[:0:-1])[::-1], 1)
        return values

    @property
    def doubts(self) -> list[str]:
        return [
            "it knows small cells, trained for seconds on drawn images of 16 x 16 pixels: percents "
            "are theirs, and within a data set that was not learned from it ranks with a Spearman "
            f"of {self.provenance['spearman']:.2f} (docs/tasks.md)"
        ]

    def as_arrays(self) -> ModelArrays:
        """As a file holds it."""
        about = {
            "kind": self.kind,
            "spaces": [space.settings for space in self.spaces],
            "provenance": dict(self.provenance),
        }
        return ModelArrays(about, {"table": self.table, "error": np.array(self.error)})

    @classmethod
    def from_arrays(cls, stored: ModelArrays, name: str) -> Self:
        """From a file.

        Raises:
            UsageError: naming what is missing or wrong.
        """
        spaces = stored.spaces()
        require_cells(spaces)
        table = stored.array("table", np.float64, (len(known_cells()),))
        error = float(stored.array("error", np.float64, ()))
        if error <= 0:
            raise UsageError(f"array 'error' is {error:g}, expected above 0")
        provenance = Reader(dict(stored.about), "model").take("provenance", "an object")
        Reader(provenance, "provenance").within("spearman", -1, 1)
        return cls(name, spaces, table, error, provenance)


def require_cells(spaces: tuple[Space, ...]) -> None:
    """Make sure that spaces are of NAS-Bench-201's cells.

    Raises:
        UsageError: one is another one, named.
    """
    for space in spaces:
        if not isinstance(space, NasBench201Space):
            raise UsageError(
                f"the predictor of data sets knows cells of nasbench201, not {space.label}",
                TaskAccuracy.alternative,
            )
