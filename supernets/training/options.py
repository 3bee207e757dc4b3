"""How a training is carried out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingOptions:
    """How a training is carried out; but for the time, its result does not depend on these.

    Args:
        seconds: CPU seconds of this process that it may take, where the recipe has no number of
            steps. How many these are is found out by taking some; the same command then goes on
            with as many.
        spent_s: those of them that were spent before, as on reading the data.
        device: ``cpu``, ``cuda`` or ``cuda:N``.
        fresh: begin anew, whatever an earlier training has left.
        save_every_s: wall-clock time between two states.
        check_images: validation images that accuracy is looked at with now and then.
        loaders: processes that load images ahead; 0 for none.
    """

    seconds: float | None = None
    spent_s: float = 0.0
    device: str = "cpu"
    fresh: bool = False
    save_every_s: float = 60.0
    check_images: int = 300
    loaders: int = 0
