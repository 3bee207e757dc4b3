"""What an objective is before it is known of which space, and the objectives there are."""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from nasprof.errors import UsageError
from nasprof.registry import Registry
from search.problem import Objective
from spaces import Space

if TYPE_CHECKING:
    from devices import Target
    from search.objectives.models import Models


@dataclass(frozen=True)
class Sources:
    """Where the models of objectives come from, as the command line names them.

    Args:
        target: the device of objectives that name none, and how models are run on it.
        accuracy: accuracy model of a bare ``top1``: a name, a file, or ``module:function``.
        lut: cost model of a bare ``latency``: a name or a file; one's own table of the target
            unless given.
        space: the space, where nothing else tells it.
        resolution: input pixels, where the models know several.
        precision: of one's own tables and of what is measured; fp32 unless given.
        clock: "wall" or "cpu"; that of each cost model unless given.
        confidence: of upper bounds.
    """

    target: Target
    accuracy: str = "imagenet"
    lut: str | None = None
    space: Space | None = None
    resolution: int | None = None
    precision: str | None = None
    clock: str | None = None
    confidence: float = 0.95


@dataclass(frozen=True)
class Wanted(ABC):
    """An objective that was named, in any space that it can be had in.

    Args:
        name: as it was written.
    """

    form: ClassVar[str]
    """How it is written."""

    name: str

    @classmethod
    @abstractmethod
    def of(cls, name: str, detail: str | None, models: Models) -> Self:
        """The objective called ``name``.

        Args:
            detail: what the name says behind its ``@``.
            models: where to read what it depends on.

        Raises:
            UsageError: there is no such model, device or precision.
        """

    @property
    def spaces(self) -> tuple[Space, ...] | None:
        """Those it is known in; None for any."""
        return None

    @abstractmethod
    def objective(self, space: Space) -> Objective:
        """The objective in one of its spaces."""


objectives: Registry[type[Wanted]] = Registry(
    "objective",
    {
        "latency": "search.objectives.latency:Latency",
        "latency_measured": "search.objectives.measured:MeasuredLatency",
        "latency_upper": "search.objectives.latency:LatencyUpper",
        "macs": "search.objectives.computed:Macs",
        "params": "search.objectives.computed:Params",
        "peak_memory": "search.objectives.computed:PeakMemory",
        "size_bytes": "search.objectives.size:SizeBytes",
        "top1": "search.objectives.top1:Top1",
    },
)
"""By what stands before the ``@``; a file a sort."""


def refuse_detail(name: str, detail: str | None) -> None:
    """Refuse an ``@`` behind the name of what depends on the network alone.

    Raises:
        UsageError: there is one.
    """
    if detail is not None:
        bare = name.partition("@")[0]
        raise UsageError(
            f"objective {name!r}: {bare} depends on the network alone", f"Ask for {bare}."
        )


def near(name: str, known: Iterable[str]) -> str:
    """What may have been meant by ``name``, and all that is known."""
    known = sorted(known)
    similar = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(similar)}? " if similar else ""
    return f"{hint}Known: {', '.join(known) or 'none'}."
