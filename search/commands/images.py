"""Options that say which labelled images networks with weights are evaluated on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from nasprof.errors import UsageError

if TYPE_CHECKING:
    from search.accuracy.base import AccuracyModel
    from search.commands.options import ModelRequest
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


def accuracy_of_images(images: str, request: ModelRequest) -> AccuracyModel:
    """The accuracy model of one's own images, in the spaces of the cost model that was named.

    Raises:
        UsageError: another accuracy model is named as well, the images cannot be used, or the cost
            model is of another space.
    """
    from search.commands.options import DEFAULT_ACCURACY
    from search.tasks.own_images import accuracy_for_images
    from spaces import get_space

    if request.accuracy != DEFAULT_ACCURACY:
        raise UsageError(
            "--data makes an accuracy model of the images, and --accuracy names another one",
            "Leave out one of them, or name the --supernet that the images belong to.",
        )
    if request.lut is not None:
        from luts import read_cost_model

        return accuracy_for_images(images, read_cost_model(request.lut).spaces)
    sizes = {} if request.resolution is None else {"resolution": request.resolution}
    return accuracy_for_images(images, [get_space("nasbench201", **sizes)])
