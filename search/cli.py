"""The ``nassearch`` command."""

from __future__ import annotations

from nasprof.cli import command_line
from search.commands.fit import fit
from search.commands.predict import predict
from search.commands.sample import sample


@command_line("nassearch")
def main() -> None:
    """Search spaces of neural architectures."""


for command in (sample, fit, predict):
    main.add_command(command)
