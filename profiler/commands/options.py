"""Options that several subcommands have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def arch_option(name: str, required: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--arch FILE [FILE ...]``, given to the command as a tuple ``name``."""
    return click.option(
        "--arch",
        name,
        multiple=True,
        required=required,
        type=click.Path(path_type=Path),
        help="Architecture files, one or more.",
    )
