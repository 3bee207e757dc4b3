"""``nasprof env``: what a bug report needs."""

from __future__ import annotations

import click

from nasprof.cli import json_option, print_json
from nasprof.typing import JsonObject


@click.command()
@json_option
def env(as_json: bool) -> None:
    """Print versions, hardware and paths for a bug report."""
    from profiler import environment

    facts = environment()
    if as_json:
        print_json(facts)
        return
    plugins = facts.pop("plugins")
    for section, values in facts.items():
        click.echo(f"{section}:")
        for name, value in values.items():
            click.echo(f"  {name}: {value}")
    click.echo("plugins:" if plugins else "plugins: none")
    for plugin in plugins:
        click.echo(
            f"  {plugin['name']} ({plugin['distribution']} {plugin['version']}): {_gives(plugin)}"
        )


def _gives(plugin: JsonObject) -> str:
    """What a plug-in added, or why it did not."""
    if plugin["error"] is not None:
        return f"left out: {plugin['error']}"
    return ", ".join(f"{kind} {name}" for kind, name in plugin["registered"]) or "nothing"
