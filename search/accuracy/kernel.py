"""Accuracy models fitted to measured networks by Gaussian-process regression.

The prediction is a sum over the measured networks, each weighted by how alike it is. Where that
likeness is quadratic in the one-hot genes, so is the sum, and it is evaluated as one quadratic
form, whatever the number of networks.

The variance would cost the square of the number of networks; it is that of the same process seen
through a few of them, see :mod:`search.regression.inducing`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.reader import Reader
from nasprof.threads import one_thread
from nasprof.typing import Array, JsonObject
from search.accuracy.base import AccuracyModel
from search.accuracy.provenance import check_provenance, doubts
from search.model_arrays import ModelArrays, Scalar
from search.regression.gaussian import Counts, Kernel, Process
from search.regression.inducing import explained_by
from spaces import Genes, Space

Inputs: TypeAlias = NDArray[np.float32]

_ROWS = 4096


@dataclass(frozen=True)
class KernelAccuracy(AccuracyModel):
    """Top-1 predicted from measured networks of one space.

    Args:
        space: of the networks.
        process: kernel and noise, for top-1 of mean 0 and variance 1.
        support: genes of the measured networks ``(n, n_genes)``.
        repeats: how often each was measured, ``(n,)``.
        weights: of each in a prediction, ``(n,)``.
        center: mean top-1 in percent.
        unit: standard deviation of top-1 in points.
        caution: factor on the standard deviations that makes them cover held-out networks.
        provenance: what was measured; see :mod:`search.accuracy.provenance`.
    """

    kind: ClassVar[str] = "kernel"

    name: str
    space: Space
    process: Process
    support: Genes
    repeats: Counts
    weights: Array
    center: float
    unit: float
    caution: float
    provenance: JsonObject

    @property
    def spaces(self) -> tuple[Space, ...]:  # type: ignore[override]  # read-only here
        return (self.space,)

    def top1(self, genes: Genes, space: Space | None = None) -> Array:
        return self._in_chunks(self._top1, genes, space)

    def std(self, genes: Genes, space: Space | None = None) -> Array:
        """Standard deviation of each prediction's error in points, that of measuring included."""
        return self._in_chunks(self._std, genes, space)

    def _in_chunks(
        self, function: Callable[[Inputs], Array], genes: Genes, space: Space | None
    ) -> Array:
        space = self.space_of(space)
        genes = space.checked(genes)
        values = np.empty(len(genes))
        with one_thread():
            for start in range(0, len(genes), _ROWS):
                rows = slice(start, start + _ROWS)
                values[rows] = function(space.onehot(genes[rows]))
        return values

    # --- the mean ---------------------------------------------------------------------------

    def _top1(self, inputs: Inputs) -> Array:
        if self._curvature is None:
            relative = self._kernel32.interactions(inputs, self._onehot) @ self.weights
        else:
            relative = np.einsum("ij,ij->i", inputs @ self._curvature, inputs)
        predicted: Array = self.center + self.unit * (relative + inputs @ self._slope)
        return predicted

    @cached_property
    def _kernel32(self) -> Kernel:
        """The kernel in the precision of its inputs, which is twice as fast."""
        kernel = self.process.kernel
        linear, joint = (weights.astype(np.float32) for weights in (kernel.linear, kernel.joint))
        return Kernel(kernel.form, linear, joint, kernel.amplitude)

    @cached_property
    def _onehot(self) -> Inputs:
        """Of the support: ``(n, n_columns)``."""
        return self.space.onehot(self.support)

    @property
    def _inputs(self) -> Array:
        return self._onehot.astype(np.float64)

    @cached_property
    def _slope(self) -> Array:
        """What each column adds on its own: ``(n_columns,)``."""
        slope: Array = self.process.kernel.linear * (self.weights @ self._inputs)
        return slope

    @cached_property
    def _curvature(self) -> Array | None:
        """What each pair of columns adds, ``(n_columns, n_columns)``, if that is all there is."""
        kernel = self.process.kernel
        if kernel.form != "pairs":
            return None
        scaled = self._inputs * kernel.joint
        curvature: Array = kernel.amplitude * (scaled.T * self.weights) @ scaled
        return curvature

    # --- its uncertainty --------------------------------------------------------------------

    def _std(self, inputs: Inputs) -> Array:
        chosen, factor = self._inducing
        kernel = self._kernel32
        explained = np.square(kernel(inputs, chosen) @ factor).sum(1)
        variance = np.maximum(kernel.diagonal(inputs) - explained, 0) + self.process.noise
        std: Array = self.caution * self.unit * np.sqrt(variance.astype(np.float64))
        return std

    @cached_property
    def _inducing(self) -> tuple[Inputs, Inputs]:
        """Inputs ``(m, n_columns)`` and the factor ``(m, m)`` that gives the variance explained."""
        chosen, factor = explained_by(self.process, self._inputs, self.repeats)
        return chosen.astype(np.float32), factor.astype(np.float32)

    # --- doubts -----------------------------------------------------------------------------

    @property
    def doubts(self) -> list[str]:
        return doubts(self.provenance)

    # --- files ------------------------------------------------------------------------------

    def as_arrays(self) -> ModelArrays:
        """As a file holds it."""
        kernel = self.process.kernel
        about = {
            "kind": self.kind,
            "spaces": [self.space.settings],
            "form": kernel.form,
            "amplitude": kernel.amplitude,
            "noise": self.process.noise,
            "center": self.center,
            "unit": self.unit,
            "caution": self.caution,
            "provenance": dict(self.provenance),
        }
        arrays = {
            "linear": kernel.linear,
            "joint": kernel.joint,
            "support": self.support,
            "repeats": self.repeats,
            "weights": self.weights,
        }
        return ModelArrays(about, arrays)

    @classmethod
    def from_arrays(cls, stored: ModelArrays, name: str) -> Self:
        """From a file.

        Raises:
            UsageError: naming what is missing or wrong.
        """
        space = stored.space()
        reader = Reader(dict(stored.about), "model")
        provenance = reader.take("provenance", "an object")
        check_provenance(provenance)
        support = space.canonical(stored.array("support", np.int8, (None, space.n_genes)))
        return cls(
            name,
            space,
            _read_process(stored, reader, int(space.n_choices.sum(dtype=np.int64))),
            support,
            _positive(stored, "repeats", np.int64, len(support)),
            stored.array("weights", np.float64, (len(support),)),
            reader.take("center", "a number"),
            reader.positive("unit"),
            reader.positive("caution"),
            provenance,
        )


def _read_process(stored: ModelArrays, reader: Reader, columns: int) -> Process:
    form = reader.take("form", "a string")
    if form not in Kernel.forms:
        raise UsageError(f"field 'form' is {form!r}, expected {' or '.join(Kernel.forms)}")
    linear, joint = (_positive(stored, name, np.float64, columns) for name in ("linear", "joint"))
    kernel = Kernel(form, linear, joint, reader.positive("amplitude"))
    return Process(kernel, reader.positive("noise"))


def _positive(stored: ModelArrays, name: str, dtype: type[Scalar], length: int) -> NDArray[Scalar]:
    """An array of at least one value, all above 0."""
    array = stored.array(name, dtype, (length,))
    if not len(array) or array.min() <= 0:
        raise UsageError(f"array {name!r} is empty or has values that are not above 0")
    return array
