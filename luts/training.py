"""Measured networks that a cost model is learned from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Self

import numpy as np
from numpy.typing import NDArray

from luts.errors import SpaceMismatch
from luts.features import features, signature
from nasprof.errors import UsageError
from nasprof.reader import SHORTEST_MS, Reader, is_time_ms
from nasprof.typing import Array, JsonObject
from spaces import Arch, Genes, Space, parse_arch

MIN_NETWORKS = 20
ENOUGH_NETWORKS = 50


@dataclass(frozen=True)
class TrainingSet:
    """Distinct networks and their latencies.

    Args:
        archs: of spaces that differ at most in their resolution.
        latency_ms: of each network.
    """

    archs: tuple[Arch, ...]
    latency_ms: tuple[float, ...]

    @classmethod
    def of(cls, archs: Sequence[Mapping[str, object]], latency_ms: Sequence[float]) -> Self:
        """The networks, those that occur several times with the median of their latencies.

        Raises:
            UsageError: there are fewer than 20 distinct ones, a latency is not above 0, or their
                spaces differ in more than the resolution.
        """
        networks: dict[str, tuple[Arch, list[float]]] = {}
        for number, (given, value) in enumerate(zip(archs, latency_ms, strict=True)):
            if not (is_time_ms(value) and value >= SHORTEST_MS):
                raise UsageError(
                    f"network {number}: latency is {value} ms, expected above 0 and at most a day"
                )
            arch = _arch(given, f"network {number}")
            _, latencies = networks.setdefault(json.dumps(arch, sort_keys=True), (arch, []))
            latencies.append(float(value))
        if len(networks) < MIN_NETWORKS:
            raise UsageError(
                f"{len(networks)} distinct networks are too few to learn from, "
                f"expected at least {MIN_NETWORKS} and better {ENOUGH_NETWORKS}",
                "Measure more of them: nasprof measure --arch ... --save results.jsonl",
            )
        training = cls(
            tuple(arch for arch, _ in networks.values()),
            tuple(median(values) for _, values in networks.values()),
        )
        training.check()
        return training

    def check(self) -> None:
        """Refuse spaces that differ in more than the resolution.

        Raises:
            SpaceMismatch: naming two that do.
        """
        first = self.spaces[0]
        for space in self.spaces[1:]:
            if family(space) != family(first):
                raise SpaceMismatch(
                    f"networks of {first.label} and of {space.label} cannot be learned together",
                    "Spaces may differ in their resolution only; fit one model for each.",
                )

    def __len__(self) -> int:
        return len(self.archs)

    @cached_property
    def measured_ms(self) -> Array:
        """Latencies as an array ``(n,)``."""
        return np.array(self.latency_ms)

    @cached_property
    def spaces(self) -> tuple[Space, ...]:
        """The networks' spaces, lowest resolution first."""
        return tuple(space for space, _, _ in self._groups)

    @cached_property
    def _groups(self) -> tuple[tuple[Space, NDArray[np.intp], Genes], ...]:
        """Networks by space: their numbers ``(k,)`` and genes ``(k, n_genes)``."""
        rows: dict[Space, list[int]] = {}
        for row, arch in enumerate(self.archs):
            rows.setdefault(parse_arch(arch)[0], []).append(row)
        ordered = sorted(rows, key=lambda space: resolution(space) or 0)
        return tuple(
            (space, np.array(rows[space]), space.encode([self.archs[row] for row in rows[space]]))
            for space in ordered
        )

    def describable(self, name: str) -> bool:
        """Whether a feature set means the same in all of the spaces."""
        return len({signature(name, space) for space in self.spaces}) == 1

    def features(self, name: str) -> Array:
        """A feature set of the networks: ``(n, n_features)``."""
        parts = [features(name, space, genes) for space, _, genes in self._groups]
        matrix = np.empty((len(self), parts[0].shape[1]))
        for (_, rows, _), part in zip(self._groups, parts, strict=True):
            matrix[rows] = part
        return matrix

    def as_list(self) -> list[JsonObject]:
        """As JSON."""
        pairs = zip(self.archs, self.latency_ms, strict=True)
        return [{"arch": arch, "latency_ms": latency_ms} for arch, latency_ms in pairs]

    @classmethod
    def from_list(cls, data: Sequence[object], where: str) -> Self:
        """From JSON.

        Raises:
            UsageError: naming the field that is missing or wrong.
        """
        readers = [Reader(row, f"{where}[{number}]") for number, row in enumerate(data)]
        latency_ms = [reader.latency_ms("latency_ms") for reader in readers]
        archs = [
            _arch(reader.take("arch", "an object"), f"{where}[{number}]")
            for number, reader in enumerate(readers)
        ]
        return cls.of(archs, latency_ms)


def _arch(value: object, where: str) -> Arch:
    try:
        return parse_arch(value)[1]
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", error.remedy) from error


def resolution(space: Space) -> int | None:
    """The side of the input in pixels, None where a space has none."""
    return getattr(space, "resolution", None)


def family(space: Space) -> Arch:
    """What a space shares with those that differ in their resolution only."""
    return {key: value for key, value in space.settings.items() if key != "resolution"}
