"""Options that say which labelled images networks with weights are evaluated on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from nasprof.errors import UsageError

if TYPE_CHECKING:
    from search.objectives.images import LabelledImages


def images_options(
    split: str, *, required: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--data --split --recalibrate``, given to the command as ``images``: how they are asked for.

    Args:
        split: that is looked at unless another one is asked for.
        required: whether the command does nothing without images.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @click.option(
            "--data",
            required=required,
            help="Labelled images that networks of a supernet are evaluated on: a folder, a file, "
            "or a name.",
        )
        @click.option(
            "--split",
            type=click.Choice(["train", "validation", "test"]),
            help=f"Which of them; {split} unless given.",
        )
        @click.option(
            "--recalibrate",
            type=click.IntRange(0),
            help="Training images that each network's batch norm is recalibrated on; 500 unless "
            "given.",
        )
        @wraps(function)
        def command(
            *args: Any, data: str | None, split: str | None, recalibrate: int | None, **options: Any
        ) -> Any:
            images = _images(data, split or default, recalibrate, (split, recalibrate))
            return function(*args, images=images, **options)

        default = split
        return command

    return decorate


def _images(
    data: str | None, split: str, recalibrate: int | None, given: tuple[object, ...]
) -> LabelledImages | None:
    if data is None:
        if any(value is not None for value in given):
            raise UsageError("--split and --recalibrate are of images, which --data does not name")
        return None
    from search.objectives.images import LabelledImages
    from supernets.recalibration import Recalibration

    recalibration = Recalibration() if recalibrate is None else Recalibration(recalibrate)
    return LabelledImages(data, split, recalibration=recalibration)
