"""Opening cost models for what uses them."""

from __future__ import annotations

from pathlib import Path

from luts import CostModel, read_cost_model
from nasprof.log import logger


def open_cost_model(model: CostModel | Path | str, clock: str | None = None) -> CostModel:
    """A cost model by name or file, or itself; says what is doubtful about it.

    Args:
        clock: what its predictions should be of, "wall" or "cpu"; its own unless given.

    Raises:
        UsageError: there is none, it is damaged, or it knows nothing of that clock.
    """
    cost = model if isinstance(model, CostModel) else read_cost_model(str(model))
    if clock is not None:
        cost = cost.on_clock(clock)
    say_doubts(cost)
    return cost


def say_doubts(model: CostModel) -> None:
    """Say why predictions should be taken with care."""
    for doubt in model.doubts:
        logger.warning(f"Careful with {model.name!r}: {doubt}")
