"""Options that several subcommands of ``nassearch`` have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.errors import UsageError
from nasprof.typing import Progress
from profiler.commands.target import target_options

if TYPE_CHECKING:
    from devices import Target
    from search.objectives import Models
    from search.objectives.images import LabelledImages
    from search.runs.budgets import Budget
    from spaces import Space
    from supernets import SupernetWeights

DEFAULT_ACCURACY = "imagenet"


class BudgetType(click.ParamType["Budget"]):
    """``12ms`` or ``NAME=VALUE``."""

    name = "TIME|NAME=VALUE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Budget:
        from search.runs.budgets import Budget

        try:
            return value if isinstance(value, Budget) else Budget.parse(str(value))
        except UsageError as error:
            self.fail(error.message, param, ctx)


class NameList(click.ParamType[tuple[str, ...]]):
    """Names separated by commas, in order and without repetition."""

    name = "NAME[,...]"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = (part.strip() for part in str(value).split(","))
        return tuple(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True)
class ModelRequest:
    """What a search is for, as named on the command line."""

    target: Target
    lut: str | None
    accuracy: str
    resolution: int | None
    precision: str | None
    clock: str | None

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of library calls that name the device and the models."""
        return {"device": self.target, "lut": self.lut, "accuracy": self.accuracy}

    @property
    def details(self) -> dict[str, Any]:
        """Fields of the calls' options, see :class:`search.answers.request.ModelOptions`."""
        names = ("resolution", "precision", "clock")
        return {name: getattr(self, name) for name in names}

    def models(
        self,
        confidence: float,
        space_name: str | None,
        width: float | None,
        images: LabelledImages | None = None,
        reading: Progress | None = None,
        supernet: Path | None = None,
    ) -> Models:
        """The models that objectives are made from, and the images they look at.

        Args:
            reading: told how many of these have been looked at.
            supernet: file of the supernet that a bare ``top1`` evaluates, unless another accuracy
                model is named, and that gives weights to networks that are measured.

        Raises:
            UsageError: there is no such space.
        """
        from profiler.commands.building import building_progress
        from search.objectives import Models
        from spaces import get_space

        settings = {"width": width, "resolution": self.resolution}
        given = {name: value for name, value in settings.items() if value is not None}
        if space_name is None and width is not None:
            raise UsageError(
                "--width is of a --space, which is not named", "Name it, or leave out both."
            )
        space = None if space_name is None else get_space(space_name, **given)
        accuracy, weights = self.accuracy, None
        if supernet is not None:
            weights = _weights_of(supernet, images)
            space = space or _space_of(supernet, self.resolution)
            accuracy = str(supernet) if accuracy == DEFAULT_ACCURACY else accuracy
        return Models(
            self.target,
            accuracy=accuracy,
            lut=self.lut,
            space=space,
            resolution=self.resolution,
            precision=self.precision,
            clock=self.clock,
            confidence=confidence,
            progress=building_progress(),
            images=images,
            reading=reading,
            supernet=weights,
        )


def _weights_of(supernet: Path, images: LabelledImages | None) -> SupernetWeights:
    """The weights in a supernet's file, recalibrated as for evaluations."""
    from supernets import SupernetWeights

    if images is None:
        return SupernetWeights(supernet)
    return SupernetWeights(supernet, images.source, images.recalibration)


def _space_of(supernet: Path, resolution: int | None) -> Space | None:
    """The space that a supernet's own file names, at a resolution if one is asked for."""
    from supernets.checkpoint import read_card

    card = read_card(supernet)
    if card is None or resolution is None:
        return None if card is None else card.space
    return card.space.with_settings(resolution=resolution)


def trade_off_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--accuracy --lut --device ...``, given to the command as one :class:`ModelRequest`."""

    @click.option(
        "--accuracy",
        default=DEFAULT_ACCURACY,
        show_default=True,
        help="Accuracy model: a name, a file, or your own table of arch,top1 (.csv). For "
        "nassearch run also a function of your own, module:function.",
    )
    @click.option(
        "--lut",
        help="Cost model: a name or a file (.json). Your own table of the device unless given; "
        "on this machine it is built first.",
    )
    @click.option("--resolution", type=int, help="Input pixels, where the models know several.")
    @click.option("--precision", help="Of your own table: fp32 (unless given), fp16 or int8.")
    @click.option("--clock", type=click.Choice(["wall", "cpu"]), help="The table's unless given.")
    @target_options()
    @wraps(function)
    def command(
        *args: Any,
        target: Target,
        lut: str | None,
        accuracy: str,
        resolution: int | None,
        precision: str | None,
        clock: str | None,
        **options: Any,
    ) -> Any:
        request = ModelRequest(target, lut, accuracy, resolution, precision, clock)
        return function(*args, request=request, **options)

    return command


def space_options(
    space: str, width: str, resolution: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--space --width --resolution``, given to the command as one ``space``: its settings.

    Args:
        space: help of ``--space``; the others' likewise.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @click.option("--space", "name", default="ofa-mbv3", show_default=True, help=space)
        @click.option("--width", type=float, help=width)
        @click.option("--resolution", type=int, help=resolution)
        @wraps(function)
        def command(
            *args: Any, name: str, width: float | None, resolution: int | None, **options: Any
        ) -> Any:
            from spaces.named import space_settings

            given = {"width": width, "resolution": resolution}
            own = {key: value for key, value in given.items() if value is not None}
            return function(*args, space={**space_settings(name), **own}, **options)

        return command

    return decorate


confidence_option = click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="With which networks keep within the budget.",
)


def answer_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--by --generator --confidence --samples --polish``: who answers, and how."""
    for option in (
        click.option(
            "--polish/--no-polish",
            default=True,
            help="Improve answers by exchanging one or two genes at a time.",
        ),
        click.option(
            "--samples",
            type=click.IntRange(1, 1_000_000),
            default=256,
            show_default=True,
            help="Architectures drawn for each budget.",
        ),
        confidence_option,
        click.option(
            "--generator",
            type=click.Path(path_type=Path),
            help="Trained generator (.npz); the one kept for these models unless given.",
        ),
        click.option(
            "--by",
            metavar="NAME",
            help="Who answers: local, exact, or pnag or pomonag (generators, trained if need be). "
            "Unless given the generator for these models if there is one, else the quickest way.",
        ),
    ):
        function = option(function)
    return function


def verify_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--verify --speed``: whether answers are measured, and of which speed they are."""
    for option in (
        click.option(
            "--speed",
            type=click.Choice(["today", "table"]),
            help="The device's speed that budgets and answers are of: today's, which is timed, "
            "where the device is at hand, else the table's.",
        ),
        click.option(
            "--verify/--no-verify",
            "verify",
            default=None,
            help="Measure the answers; done on this machine's devices unless told otherwise.",
        ),
    ):
        function = option(function)
    return function


def executor_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--executor --workers --address``, given to the command as they are."""
    workers = click.option(
        "--workers", type=click.IntRange(1), help="Networks evaluated at a time."
    )
    address = click.option(
        "--address", help="Of the Ray cluster; one on this machine unless given."
    )
    executor = click.option(
        "--executor", default="serial", show_default=True, help="serial, processes or ray."
    )
    return executor(workers(address(function)))
