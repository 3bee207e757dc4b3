"""``nassearch pomonag``: one file a subcommand."""

from __future__ import annotations

import click

from search.commands.pomonag.generate import generate
from search.commands.pomonag.predictor import accuracy, predictor
from search.commands.pomonag.report import report
from search.commands.pomonag.tasks import tasks
from search.commands.pomonag.train import train


@click.group()
def pomonag() -> None:
    """Generate architectures by diffusion, for any objectives and for data sets of your own."""


for command in (train, generate, report, tasks, predictor, accuracy):
    pomonag.add_command(command)
