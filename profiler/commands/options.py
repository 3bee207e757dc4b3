"""Options that several subcommands have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import setting_option
from nasprof.durations import parse_milliseconds, parse_seconds
from nasprof.errors import UsageError
from nasprof.typing import JsonObject

if TYPE_CHECKING:
    from nasprof.normalisation import Normalisation
    from supernets import SupernetWeights


def arch_option(name: str, required: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """``--arch FILE [FILE ...]``, given to the command as a tuple ``name``."""
    return click.option(
        "--arch",
        name,
        multiple=True,
        required=required,
        type=click.Path(path_type=Path),
        help="Architecture files, one or more.",
    )


class ResolutionList(click.ParamType[tuple[int, ...]]):
    """Whole numbers separated by commas, in order and without repetition."""

    name = "PIXELS[,...]"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(dict.fromkeys(int(part) for part in str(value).split(",")))
        except ValueError:
            self.fail(f"{value!r} is no list of whole numbers like 224 or 224,192", param, ctx)


class Numbers(click.ParamType[tuple[float, ...]]):
    """Numbers separated by commas."""

    name = "NUMBER[,...]"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of numbers like 0.5 or 0.4,0.5,0.5", param, ctx)


def supernet_options(function: Callable[..., None]) -> Callable[..., None]:
    """``--supernet --data``, given to the command as one ``SupernetWeights`` or None."""

    @wraps(function)
    def command(*args: object, images: str | None, **options: object) -> None:
        if images is not None:
            raise UsageError("--data are the images of a --supernet, and there is none")
        function(*args, **options)

    return _with_supernet(command, alone="")


def supernet_or_images_options(
    alone: str,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The same for a command that also takes ``--data`` alone, given to it as ``images``.

    Args:
        alone: what ``--data`` means without ``--supernet``, a sentence after a space.
    """
    return partial(_with_supernet, alone=alone)


def _with_supernet(function: Callable[..., None], alone: str) -> Callable[..., None]:
    @click.option(
        "--supernet",
        "path",
        type=click.Path(path_type=Path),
        help="Supernet to take weights from: .safetensors, or a checkpoint of OFA's (.pth).",
    )
    @click.option(
        "--data",
        help="Images that recalibrate its networks' batch norm and calibrate int8: a folder, a "
        f"file or a name. Without them accuracy is lower, by 1 to 32 points where measured.{alone}",
    )
    @wraps(function)
    def command(*args: object, path: Path | None, data: str | None, **options: object) -> None:
        if path is None:
            function(*args, supernet=None, images=data, **options)
            return
        from supernets import SupernetWeights

        function(*args, supernet=SupernetWeights(path, data), images=None, **options)

    return command


def pixel_options(function: Callable[..., None]) -> Callable[..., None]:
    """``--uint8-input --mean --std``, given to the command as one ``Normalisation`` or None.

    Without a mean it is the supernet's, where the command has one, else ImageNet's.
    """

    @click.option(
        "--uint8-input",
        is_flag=True,
        help="Files take raw pixels, 0 to 255, and compute (x/255 - mean) / std themselves.",
    )
    @normalisation_options(
        "Of pixels scaled to 0..1, a channel each. The supernet's without, or ImageNet's."
    )
    @wraps(function)
    def command(
        *args: object,
        uint8_input: bool,
        normalisation: Normalisation | None,
        supernet: SupernetWeights | None = None,
        **options: object,
    ) -> None:
        from nasprof.normalisation import IMAGENET

        if normalisation is not None and not uint8_input:
            raise UsageError("--mean and --std belong to --uint8-input")
        if normalisation is None and supernet is not None and uint8_input:
            normalisation = supernet.normalisation
        pixels = (normalisation or IMAGENET) if uint8_input else None
        function(*args, pixels=pixels, supernet=supernet, **options)

    return command


def normalisation_options(
    meaning: str,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """``--mean --std``, given to the command as ``normalisation``: a ``Normalisation`` or None.

    Args:
        meaning: of ``--mean``.
    """
    return partial(_with_normalisation, meaning=meaning)


def _with_normalisation(function: Callable[..., None], meaning: str) -> Callable[..., None]:
    @click.option("--mean", type=Numbers(), help=meaning)
    @click.option("--std", type=Numbers(), help="Likewise their standard deviation.")
    @wraps(function)
    def command(
        *args: object,
        mean: tuple[float, ...] | None,
        std: tuple[float, ...] | None,
        **options: object,
    ) -> None:
        if mean is None and std is None:
            function(*args, normalisation=None, **options)
            return
        if mean is None or std is None:
            raise UsageError("--mean and --std belong together")
        from nasprof.normalisation import Normalisation

        function(*args, normalisation=Normalisation(mean, std), **options)

    return command


class Milliseconds(click.ParamType[float]):
    """A time above 0 and not infinite, in ms unless its unit is named: ``110``, ``0.11s``."""

    name = "TIME"

    def convert(
        self, value: float | str, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            return parse_milliseconds(value)
        except UsageError as error:
            self.fail(error.message, param, ctx)


class Duration(click.ParamType[float]):
    """Seconds above 0, with their unit: ``90s``, ``30m``, ``8h``."""

    name = "TIME"

    def convert(
        self, value: float | str, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            return value if isinstance(value, float) else parse_seconds(value)
        except UsageError as error:
            self.fail(error.message, param, ctx)


def space_options(function: Callable[..., None]) -> Callable[..., None]:
    """``--space --width --resolution --set``, given to the command as a list ``spaces``.

    One :class:`spaces.Space` a resolution, in the order given.
    """

    @click.option(
        "--space",
        "space_name",
        default="ofa-mbv3",
        show_default=True,
        help="Space, or its file (.json).",
    )
    @click.option("--width", type=float, help="Width multiplier of the space.")
    @click.option(
        "--resolution",
        "resolutions",
        type=ResolutionList(),
        help="Input height and width in pixels; several as 224,192.",
    )
    @setting_option("Any other setting of the space, as JSON: --set classes=10.")
    @wraps(function)
    def command(
        *args: object,
        space_name: str,
        width: float | None,
        resolutions: tuple[int, ...] | None,
        settings: JsonObject,
        **options: object,
    ) -> None:
        from spaces import get_space

        shared = settings if width is None else {"width": width, **settings}
        variants = [{}] if resolutions is None else [{"resolution": value} for value in resolutions]
        named = [get_space(space_name, **{**shared, **own}) for own in variants]
        spaces = [member for space in named for member in space.members]
        function(*args, spaces=spaces, **options)

    return command


def named_spaces(context: click.Context) -> list[str]:
    """Which options of :func:`space_options` stand on the command line."""
    from click.core import ParameterSource

    names = {
        "space_name": "--space",
        "width": "--width",
        "resolutions": "--resolution",
        "settings": "--set",
    }
    return [
        option
        for name, option in names.items()
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]


def network_options(least: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """``--audit --calibrate``, given to the command as ``audit`` and ``calibration``.

    Args:
        least: the smallest number of networks to audit.
    """
    audit = click.option(
        "--audit",
        "audit",
        type=click.IntRange(least),
        default=20,
        show_default=True,
        help="Whole networks to compare the table with.",
    )
    calibrate = click.option(
        "--calibrate",
        "calibration",
        type=click.IntRange(0),
        default=10,
        show_default=True,
        help="Other networks to fit the line from sums to latencies on.",
    )
    return lambda function: audit(calibrate(function))
