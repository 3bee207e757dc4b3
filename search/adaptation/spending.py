"""CPU seconds, by what they were spent on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


def cpu_seconds() -> float:
    """CPU seconds of this process, and of those it has started once they have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@dataclass
class Spending:
    """CPU seconds of a piece of work.

    Args:
        earlier: those of calls before, by what they were spent on.
        before_s: those of this process before the work, such as on importing.
    """

    earlier: Mapping[str, float] = field(default_factory=dict)
    before_s: float = 0.0
    _own: dict[str, float] = field(default_factory=dict)
    _elsewhere_s: float = 0.0
    _now: str | None = None
    _begun: float = field(default_factory=cpu_seconds)

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Within, seconds are spent on that."""
        begun = cpu_seconds()
        before, self._now = self._now, what
        try:
            yield
        finally:
            self._now = before
            self._add(what, cpu_seconds() - begun)

    def elsewhere(self, seconds: float) -> None:
        """Add what other processes have spent that go on, to what is being worked on."""
        self._elsewhere_s += seconds
        if self._now is not None:
            self._add(self._now, seconds)

    def _add(self, what: str, seconds: float) -> None:
        self._own[what] = self._own.get(what, 0.0) + seconds

    @property
    def total_s(self) -> float:
        """All of them."""
        own = self.before_s + cpu_seconds() - self._begun + self._elsewhere_s
        return sum(self.earlier.values()) + own

    def to_dict(self) -> dict[str, float]:
        """Seconds by what they were spent on; ``other`` is the rest."""
        names = dict.fromkeys([*self.earlier, *self._own, "other"])
        known = {name: self.earlier.get(name, 0.0) + self._own.get(name, 0.0) for name in names}
        known["other"] += self.total_s - sum(known.values())
        return {name: round(seconds, 3) for name, seconds in known.items()}
