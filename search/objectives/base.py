"""Objectives by name: what each offers before its space is known, and which there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

from nasprof.errors import UsageError
from nasprof.registry import Registry
from search.objectives.by_member import united
from search.objectives.models import Models
from search.problem import Objective
from spaces import Space


@dataclass(frozen=True)
class NamedObjective(ABC):
    """An objective as it was named, before it is known of which space.

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

    def knows(self, space: Space) -> bool:
        """Whether it is known in a space; where the resolution is a gene, in all members."""
        if self.spaces is None or space in self.spaces:
            return True
        return len(space.members) > 1 and all(map(self.knows_at, space.members))

    def knows_at(self, member: Space) -> bool:
        """Whether it is known in a space of one resolution."""
        return self.spaces is None or member in self.spaces

    def by_member(self, space: Space) -> bool:
        """Whether it is known of one resolution at a time, so that a space's members are asked."""
        return False

    @property
    def needs_images(self) -> bool:
        """Whether networks are evaluated on labelled images."""
        return False

    @abstractmethod
    def objective(self, space: Space) -> Objective:
        """The objective in one of its spaces."""

    def in_space(self, space: Space) -> Objective:
        """The objective in a space that it knows, made of its members' if it is known of these."""
        if len(space.members) > 1 and self.by_member(space):
            return united(space, [self.objective(member) for member in space.members])
        return self.objective(space)


objectives: Registry[type[NamedObjective]] = Registry(
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
"""By what stands before the ``@``."""


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
