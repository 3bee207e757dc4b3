"""Opening cost models for commands that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasprof.log import logger

if TYPE_CHECKING:
    from luts import CostModel


def open_cost_model(name: str, clock: str | None = None) -> CostModel:
    """The cost model called ``name`` or in that file; says on stderr what is doubtful about it.

    Args:
        clock: what its predictions should be of, "wall" or "cpu"; its own unless given.

    Raises:
        UsageError: there is none, it is damaged, or it knows nothing of that clock.
    """
    from luts import read_cost_model

    model = read_cost_model(name)
    if clock is not None:
        model = model.on_clock(clock)
    say_doubts(model)
    return model


def say_doubts(model: CostModel) -> None:
    """Tell on stderr why predictions should be taken with care."""
    for doubt in model.doubts:
        logger.warning(f"Careful with {model.name!r}: {doubt}")
