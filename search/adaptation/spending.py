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
    _begun: float = field(default_factory=cpu_seconds)

    @contextmanager
    def on(self, what: str) -> Iterator[None]:
        """Within, seconds are spent on that."""
        begun = cpu_seconds()
        try:
            yield
        finally:
            self._own[what] = self._own.get(what, 0.0) + cpu_seconds() - begun

    @property
    def total_s(self) -> float:
        """All of them."""
        return sum(self.earlier.values()) + self.before_s + cpu_seconds() - self._begun

    def to_dict(self) -> dict[str, float]:
        """Seconds by what they were spent on; ``other`` is the rest."""
        names = dict.fromkeys([*self.earlier, *self._own, "other"])
        known = {name: self.earlier.get(name, 0.0) + self._own.get(name, 0.0) for name in names}
        known["other"] += self.total_s - sum(known.values())
        return {name: round(seconds, 3) for name, seconds in known.items()}
