"""How far a measurement has come."""

from __future__ import annotations

from dataclasses import dataclass

SENTINEL = "_sentinel"
EMPTY = "_empty"


@dataclass(frozen=True)
class Status:
    """How far measuring has come.

    Args:
        rounds: rounds taken.
        complete: models whose measurement is complete, of ``total``.
        elapsed_s: since the first round began.
        remaining_s: estimate of what is still to come.
        flags: doubts about the round just taken.
        disturbed: rounds that a sentinel or the device had doubts about, of the model with most.
        temperature_c: of the device after the round just taken, None where it does not tell.
        waiting: what is being waited for, if anything.
    """

    rounds: int
    complete: int
    total: int
    elapsed_s: float
    remaining_s: float
    flags: tuple[str, ...] = ()
    disturbed: int = 0
    temperature_c: float | None = None
    waiting: str = ""
