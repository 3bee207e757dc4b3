"""The ``nassearch`` command."""

from __future__ import annotations

from nasprof.cli import command_line
from search.commands.sample import sample


@command_line("nassearch")
def main() -> None:
    """Search spaces of neural architectures."""


for command in (sample,):
    main.add_command(command)
