"""What a diffusion process offers: noise, a loss, and the way back from noise to architectures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nasprof.errors import UsageError
from nasprof.registry import Registry, near_names
from search.diffusion.encodings import Encoding

BARRED = -1e9
"""Logit of a class that a row cannot have."""

Classes: TypeAlias = NDArray[np.int64]
"""Class of each row, ``(n, rows)``."""
Denoise: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""Noisy architectures ``(n, rows * classes)`` and levels ``(n,)`` to what a network says of each
class of each row, ``(n, rows * classes)``."""
Guide: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""The same to the gradient of what is wished for, in nats, by the noisy architectures."""


@dataclass(frozen=True)
class Noisy:
    """Architectures after noise, as networks see them.

    Args:
        inputs: ``(n, rows * classes)``.
        levels: of noise between 0 (least) and 1, ``(n,)``.
        hidden: which rows noise has been added to, ``(n, rows)``.
    """

    inputs: NDArray[np.float32]
    levels: NDArray[np.float32]
    hidden: NDArray[np.bool_]


class Process(ABC):
    """Noise over encoded architectures and its reversal.

    Args:
        encoding: of the architectures.
    """

    samplers: ClassVar[Mapping[str, str]]
    """What each way back is, by name, the default first."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self._barred = torch.from_numpy(~encoding.allowed)

    @property
    def length(self) -> int:
        """Of a noisy architecture."""
        rows, classes = self.encoding.shape
        return rows * classes

    def corrupted(
        self, classes: Classes, rng: np.random.Generator, levels: NDArray[np.float32] | None = None
    ) -> Noisy:
        """Architectures with noise.

        Args:
            classes: ``(n, rows)``.
            levels: of noise, ``(n,)``; drawn uniformly unless given.
        """
        known = rng.random(len(classes), np.float32) if levels is None else levels
        return self._corrupted(classes, known, rng)

    @abstractmethod
    def _corrupted(
        self, classes: Classes, levels: NDArray[np.float32], rng: np.random.Generator
    ) -> Noisy:
        """The same with noise of the levels given."""

    def _barring(self, said: Tensor) -> Tensor:
        """What was said ``(n, rows * classes)`` by row, next to nothing for classes it cannot have.

        Returns:
            ``(n, rows, classes)``.
        """
        return said.reshape(-1, *self.encoding.shape).masked_fill(self._barred, BARRED)

    @abstractmethod
    def loss(self, said: Tensor, classes: Classes, noisy: Noisy) -> Tensor:
        """How far what a network says is from the truth, a number.

        Args:
            said: ``(n, rows * classes)``.
            classes: the truth, ``(n, rows)``.
        """

    @abstractmethod
    def sample(
        self,
        denoise: Denoise,
        n: int,
        rng: np.random.Generator,
        *,
        steps: int,
        sampler: str,
        guide: Guide | None = None,
    ) -> Classes:
        """Architectures from noise alone: ``(n, rows)``.

        Args:
            steps: of the way back, at least 1; the network is asked once in each or more.
            sampler: one of :attr:`samplers`.
            guide: what the way back is bent towards.
        """

    def known_sampler(self, name: str) -> str:
        """``name`` if it is a sampler of this process.

        Raises:
            UsageError: it is not; with near ones.
        """
        if name not in self.samplers:
            raise UsageError(
                f"there is no sampler {name!r} of this process", near_names(name, self.samplers)
            )
        return name


processes: Registry[type[Process]] = Registry(
    "process",
    {
        "gaussian": "search.diffusion.gaussian:GaussianProcess",
        "masked": "search.diffusion.masked:MaskedProcess",
    },
)
"""Diffusion processes by name."""
