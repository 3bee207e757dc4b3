"""What the library logs, as commands show it."""

from __future__ import annotations

import click
from console import console

from nasprof.cli import CommandLine
from nasprof.log import ONCE, logger


@click.group(cls=CommandLine)
def program():
    """A program."""


@program.command()
def measure():
    """A command that reads a file twice, and waits twice."""
    for _ in range(2):
        logger.info("10 images are copies", extra=ONCE)
        logger.warning("waiting for the device")


def test_what_follows_from_files_is_said_once_a_command_and_all_else_each_time():
    for _ in range(2):
        said = console(program)("measure").stderr.splitlines()
        assert said == ["10 images are copies", *["waiting for the device"] * 2]
