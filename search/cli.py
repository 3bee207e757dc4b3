"""The ``nassearch`` command."""

from __future__ import annotations

from nasprof.cli import command_line
from search.commands.archive import archive
from search.commands.compare import compare
from search.commands.deliver import deliver
from search.commands.fit import fit
from search.commands.front import front
from search.commands.generate import generate
from search.commands.pomonag import pomonag
from search.commands.predict import predict
from search.commands.run import run
from search.commands.sample import sample
from search.commands.supernet import supernet
from search.commands.train import train
from search.commands.transfer import transfer


@command_line("nassearch")
def main() -> None:
    """Search spaces of neural architectures."""


for command in (
    sample,
    fit,
    predict,
    train,
    generate,
    front,
    run,
    compare,
    archive,
    supernet,
    transfer,
    deliver,
    pomonag,
):
    main.add_command(command)
