"""``nassearch pomonag``: one file a subcommand."""

from __future__ import annotations

import click

from search.commands.pomonag.tasks import tasks


@click.group()
def pomonag() -> None:
    """Generate architectures by diffusion, for any objectives and for data sets of your own."""


pomonag.add_command(tasks)
