"""``nassearch run --engine NAME --help-settings``: what can be set of an engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING

import click

from nasprof.cli import print_json, show_table

if TYPE_CHECKING:
    from nasprof.settings import SettingInfo

COLUMNS = ("setting", "type", ">default", ">range", "meaning")


def help_settings_option(function: Callable[..., None]) -> Callable[..., None]:
    """``--help-settings``: show the settings of ``--engine`` instead of searching."""

    @click.option(
        "--help-settings", is_flag=True, help="Show what can be set of the engine, and exit."
    )
    @wraps(function)
    def command(*args: object, help_settings: bool, **options: object) -> None:
        if help_settings:
            show_settings(str(options["engine"]), bool(options["as_json"]))
        else:
            function(*args, **options)

    return command


def show_settings(engine: str, as_json: bool) -> None:
    """Print the settings of an engine.

    Raises:
        UsageError: there is no such engine.
    """
    from nasprof.settings import setting_infos
    from search.engines import engines

    infos = setting_infos(type(engines.get(engine).settings))
    if as_json:
        print_json([info.to_dict() for info in infos])
    elif infos:
        show_table(COLUMNS, [row_of(info) for info in infos], f"Settings of {engine}")
    else:
        click.echo(f"Nothing can be set of {engine}.")


def row_of(info: SettingInfo) -> tuple[str, str, str, str, str]:
    """What is known of a setting, in the order of :data:`COLUMNS`."""
    default = info.default if isinstance(info.default, str) else json.dumps(info.default)
    return info.name, info.type_name, default, info.range_text, info.help
