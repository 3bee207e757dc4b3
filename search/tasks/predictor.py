"""A predictor of accuracy from images and cells: numpy alone, from a file without pickle.

The set encoder is a Deep Set (Zaheer et al., NeurIPS 2017): each class's features go through the
same layer, their mean and spread over classes through another one. Neither the order nor the number
of classes or images matters otherwise than by what is told of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.reader import Reader
from nasprof.typing import Array, JsonObject
from search.model_arrays import ModelArrays, ModelFileInvalid, parse_arrays, read_arrays
from search.tasks.cell_features import N_CELL, cell_features
from search.tasks.class_features import ClassFeatures
from spaces import Genes

KIND = "task-predictor"
N_GLOBALS = 4
LAYERS = ("phi", "rho", "out0", "out1")
"""Of a network: of each class, of all classes, and of those with a cell."""
ORDER, LEVEL = "order", "level"

Network: TypeAlias = Mapping[str, Array]
"""Weights ``(members, n_in, n_out)`` and biases ``(members, 1, n_out)`` of :data:`LAYERS`."""


@dataclass(frozen=True)
class Inputs:
    """How features become inputs of networks.

    Args:
        mean: of meta-train classes' features, ``(2 n_features,)``.
        scale: likewise their standard deviations.
        axes: principal ones of what is standardised, each scaled to variance 1:
            ``(2 n_features, n_axes)``.
        global_mean: of :func:`told`, ``(N_GLOBALS,)``.
        global_scale: likewise.
    """

    mean: Array
    scale: Array
    axes: Array
    global_mean: Array
    global_scale: Array

    def classes(self, features: ClassFeatures) -> Array:
        """A data set's classes as networks take them, ``(n_classes, n_axes)``."""
        both = np.concatenate([features.means, features.spreads], 1)
        # Far outside of what was learned from, an input says no more than at its edge.
        standard = np.clip((both - self.mean) / self.scale, -5, 5)
        return np.clip(standard @ self.axes, -5, 5)

    def told(self, features: ClassFeatures) -> Array:
        """What is told of a data set as a whole, ``(N_GLOBALS,)``."""
        return np.clip((told(features) - self.global_mean) / self.global_scale, -3, 3)


def told(features: ClassFeatures) -> Array:
    """Logarithms: number of classes, shots, spread within classes and between them."""
    within = np.sqrt((features.spreads**2).mean())
    between = np.sqrt(((features.means - features.means.mean(0)) ** 2).mean())
    values = [len(features.means), max(features.shots, 1), within + 1e-6, between + 1e-6]
    return np.log(np.array(values, np.float64))


@dataclass(frozen=True)
class TaskPredictor:
    """Predicts what cells reach on a data set.

    Args:
        inputs: how features become inputs.
        order: networks that tell how good a cell is among others, their mean counts.
        level: networks that tell how good cells are in general, likewise.
        about: encoder, what it was learned from, how well it does.
    """

    inputs: Inputs
    order: Network
    level: Network
    about: JsonObject

    @property
    def encoder(self) -> str:
        """Identity of the encoder that its features must be of."""
        return str(self.about["encoder"])

    def require_encoder(self, identity: str) -> None:
        """Make sure that features are of the encoder that it was learned with.

        Raises:
            UsageError: they are of another one.
        """
        if identity != self.encoder:
            raise UsageError(
                f"the features are of the encoder {identity!r}, the predictor was learned with "
                f"{self.encoder!r}",
                "Encode the images with that one, or learn a predictor with yours.",
            )

    def level_of(self, features: ClassFeatures) -> tuple[float, float]:
        """Mean and spread of cells' accuracies on a data set, in percent and points."""
        embedding = self._embedded(self.level, features)
        mean, spread = _ends(self.level, embedding).mean(0)[0]
        return float(100 / (1 + np.exp(-mean))), float(np.exp(np.clip(spread, -2, 4)))

    def order_of(self, features: ClassFeatures, genes: Genes) -> Array:
        """How good cells ``(n, 6)`` are on a data set, in its standard deviations: ``(n,)``."""
        embedding = self._embedded(self.order, features)
        members = len(embedding)
        cells = np.broadcast_to(cell_features(genes), (members, len(genes), N_CELL))
        own = np.broadcast_to(embedding, (members, len(genes), embedding.shape[2]))
        result: Array = _ends(self.order, np.concatenate([own, cells], 2)).mean(0)[:, 0]
        return result

    def top1(self, features: ClassFeatures, genes: Genes) -> Array:
        """Accuracies of cells ``(n, 6)`` in percent: ``(n,)``.

        They spread about their mean as far as they are expected to, and between 0 and 100: on data
        sets that are easy or hopeless their logits do, so that no two become equal.

        Raises:
            UsageError: the features are of another encoder.
        """
        self.require_encoder(features.encoder)
        mean, spread = self.level_of(features)
        share = np.clip(mean / 100, 0.005, 0.995)
        slope = 100 * share * (1 - share)
        logits = np.log(share / (1 - share)) + spread / slope * self.order_of(features, genes)
        values: Array = 100 / (1 + np.exp(-logits))
        return values

    def _embedded(self, network: Network, features: ClassFeatures) -> Array:
        """A data set as vectors ``(members, 1, n)``."""
        hidden = np.maximum(_apply(network, "phi", self.inputs.classes(features)[None]), 0)
        whole = np.broadcast_to(self.inputs.told(features), (len(hidden), 1, N_GLOBALS))
        pooled = [hidden.mean(1, keepdims=True), hidden.std(1, keepdims=True), whole]
        return np.tanh(_apply(network, "rho", np.concatenate(pooled, 2)))

    def as_arrays(self) -> ModelArrays:
        """As a file holds it."""
        inputs = {f"inputs.{name}": array for name, array in vars(self.inputs).items()}
        networks = {
            f"{which}.{name}": array
            for which, network in ((ORDER, self.order), (LEVEL, self.level))
            for name, array in network.items()
        }
        return ModelArrays({**self.about, "kind": KIND}, {**inputs, **networks})

    @classmethod
    def from_arrays(cls, stored: ModelArrays) -> TaskPredictor:
        """From a file.

        Raises:
            UsageError: naming what is missing or wrong.
        """
        if stored.kind != KIND:
            raise UsageError(f"field 'kind' is {stored.kind!r}, expected {KIND!r}")
        reader = Reader(dict(stored.about), "predictor")
        reader.take("encoder", "a string")
        judged = Reader(reader.take("cross_validation", "an object"), "cross_validation")
        for name in ("spearman", "error"):
            judged.take(name, "a number")
        inputs = _inputs(stored)
        n_axes = inputs.axes.shape[1]
        order = _network(stored, ORDER, n_axes, N_CELL, 1)
        level = _network(stored, LEVEL, n_axes, 0, 2)
        return cls(inputs, order, level, dict(stored.about))


def read_predictor(path: Path) -> TaskPredictor:
    """The predictor in a file.

    Raises:
        UsageError: it is missing, damaged, or of something else, named.
    """
    try:
        return TaskPredictor.from_arrays(parse_arrays(read_arrays(path)))
    except UsageError as error:
        message = error.message if str(path) in error.message else f"{path}: {error.message}"
        raise ModelFileInvalid(message, error.remedy) from error


def _inputs(stored: ModelArrays) -> Inputs:
    n_features, n_axes = stored.array("inputs.axes", np.float64, (None, None)).shape
    shapes = {
        "mean": (n_features,),
        "scale": (n_features,),
        "axes": (n_features, n_axes),
        "global_mean": (N_GLOBALS,),
        "global_scale": (N_GLOBALS,),
    }
    arrays: dict[str, NDArray[np.float64]] = {
        name: stored.array(f"inputs.{name}", np.float64, shape) for name, shape in shapes.items()
    }
    if min(arrays["scale"].min(), arrays["global_scale"].min()) <= 0:
        raise ModelFileInvalid("a scale of its inputs is not above 0")
    return Inputs(**arrays)


def _network(stored: ModelArrays, which: str, n_axes: int, n_cell: int, n_ends: int) -> Network:
    """The layers of one sort of networks, whose sizes must fit each other."""

    def layer(name: str, n_in: int, n_out: int | None) -> int:
        key = f"{which}.{name}"
        weights = stored.array(f"{key}.weight", np.float64, (members, n_in, n_out))
        width = int(weights.shape[2])
        arrays[f"{name}.weight"] = weights
        arrays[f"{name}.bias"] = stored.array(f"{key}.bias", np.float64, (members, 1, width))
        return width

    arrays: dict[str, Array] = {}
    members = len(stored.array(f"{which}.phi.weight", np.float64, (None, n_axes, None)))
    hidden = layer("phi", n_axes, None)
    embedding = layer("rho", 2 * hidden + N_GLOBALS, None)
    layer("out1", layer("out0", embedding + n_cell, None), n_ends)
    return arrays


def _ends(network: Network, values: Array) -> Array:
    return _apply(network, "out1", np.maximum(_apply(network, "out0", values), 0))


def _apply(network: Network, name: str, values: Array) -> Array:
    result: Array = values @ network[f"{name}.weight"] + network[f"{name}.bias"]
    return result
