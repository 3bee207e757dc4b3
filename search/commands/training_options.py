"""Options of commands that train generators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def training_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """``--published -o --resume --seed``: how a generator is trained, and where it goes."""
    for option in (
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True),
        click.option(
            "--resume/--fresh",
            default=True,
            show_default=True,
            help="Go on with what an interrupted training left, or begin anew.",
        ),
        click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Generator file (.npz); where nassearch generate looks for it unless given.",
        ),
        click.option("--published", is_flag=True, help="Settings as in the paper where not given."),
    ):
        function = option(function)
    return function
