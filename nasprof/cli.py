"""What every command line of this project has in common.

The result goes to stdout, everything else to stderr. Exit codes: 0 success, 1 it could not be
done, 2 bad usage.
"""

from __future__ import annotations

import errno
import json
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import IO, Any, NoReturn

import click

from nasprof import __version__
from nasprof.errors import NasprofError
from nasprof.json_text import JsonInvalid, plain_json
from nasprof.log import logger
from nasprof.signals import (
    end_as_interrupted,
    end_at_once,
    interruption,
    interruption_behind,
    raise_when_interrupted,
)
from nasprof.streams import flush_output, take_every_character


class _Failure(click.ClickException):
    """An error of ours as click shows it."""

    def __init__(self, error: NasprofError) -> None:
        super().__init__(error.message)
        self.error = error
        self.exit_code = error.exit_code  # type: ignore[misc]  # click reads the instance's

    def show(self, file: IO[Any] | None = None) -> None:
        say(f"Error: {self.message}", file)
        if self.error.remedy:
            say(self.error.remedy, file)


class CommandLine(click.Group):
    """A group of commands that turns errors into messages and exit codes."""

    def main(self, args: Sequence[str] | None = None, *others: Any, **extra: Any) -> Any:
        """Run a command; without ``args``, the one that this process was started for."""
        if args is not None:
            return super().main(args, *others, **extra)
        return _as_process(lambda: super(CommandLine, self).main(None, *others, **extra))

    def invoke(self, ctx: click.Context) -> Any:
        raise_when_interrupted()
        show_log()
        try:
            return super().invoke(ctx)
        except NasprofError as error:
            raise _Failure(error) from error
        except KeyboardInterrupt as error:
            raise _Failure(NasprofError(interruption(error))) from error
        except MemoryError as error:
            raise _Failure(NasprofError("there is not enough memory for this")) from error
        except OSError as error:
            # Who reads our output may have seen enough: click ends quietly then.
            if error.errno == errno.EPIPE:
                raise
            raise _Failure(_refused(error)) from error
        except Exception as error:
            if (interrupted := interruption_behind(error)) is None:
                raise
            raise _Failure(NasprofError(interrupted)) from error


def _refused(error: OSError) -> NasprofError:
    """What the system refused, where nobody knew better."""
    what = "the output" if error.filename is None else error.filename
    remedy = _ELSEWHERE if error.errno in _FORBIDDEN else None
    return NasprofError(f"cannot read or write {what}: {error.strerror or error}", remedy)


_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_ELSEWHERE = (
    "Choose another place. Your own files go where NASPROF_DATA and NASPROF_CONFIG say, "
    "or into your home folder."
)


def _as_process(command: Callable[[], Any]) -> NoReturn:
    """Run a command to the end of this process."""
    end_as_interrupted()
    take_every_character()
    status: Any = 0
    failure: OSError | None = None
    try:
        command()
    except SystemExit as end:
        status = end.code
    except OSError as error:
        failure = error
    failure = flush_output() or failure
    if failure is not None and not status:
        status = 1
        if failure.errno != errno.EPIPE:
            say(f"Error: {_refused(failure).message}")
    end_at_once()
    sys.exit(status)


class GreedyCommand(click.Command):
    """A command whose path options take every value up to the next option: ``--arch a b c``."""

    greedy: Sequence[str] = ("--arch", "--model")

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        expanded: list[str] = []
        option = ""
        for arg in args:
            if arg.startswith("-"):
                option = arg if arg in self.greedy else ""
                expanded.append(arg)
                continue
            if option and expanded[-1] != option:
                expanded.append(option)
            expanded.append(arg)
        return super().parse_args(ctx, expanded)


def command_line(name: str) -> Callable[[Callable[..., None]], CommandLine]:
    """Decorator that makes a function the group behind the command ``name``."""

    def decorate(function: Callable[..., None]) -> CommandLine:
        settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
        group = click.group(name, cls=CommandLine, context_settings=settings)(function)
        versioned: CommandLine = click.version_option(__version__, prog_name=name)(group)
        return versioned

    return decorate


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def setting_option(
    help_text: str, flag: str = "--set", name: str = "settings"
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--set NAME=VALUE``, any number of times, given to the command as a dict ``settings``."""
    return click.option(
        flag,
        name,
        multiple=True,
        callback=_parse_settings,
        metavar="NAME=VALUE",
        help=help_text,
    )


def _parse_settings(
    _: click.Context, __: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    settings = {}
    for value in values:
        key, separator, text = value.partition("=")
        if not separator:
            raise click.BadParameter(f"{value!r} is not of the form NAME=VALUE")
        try:
            settings[key] = plain_json(text)
        except JsonInvalid:
            settings[key] = text
    return settings


def print_json(value: Any) -> None:
    """Print a JSON value to stdout; numbers that JSON cannot hold are errors, not ``NaN``."""
    click.echo(json.dumps(value, indent=2, allow_nan=False), file=sys.stdout)


def show_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    title: str | None = None,
    notes: Iterable[str] = (),
) -> None:
    """Print rows to stdout as a table.

    Args:
        columns: headings; one that begins with ``>`` is of numbers, aligned to the right.
        title: line above the table.
        notes: lines below it.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )
    for column in columns:
        if column.startswith(">"):
            table.add_column(column[1:], justify="right", no_wrap=True)
        else:
            table.add_column(column, min_width=8, overflow="fold")
    for row in rows:
        table.add_row(*row)
    # Names and messages may contain brackets, which are not meant as markup.
    console = Console(markup=False, highlight=False)
    console.print(table)
    for note in notes:
        console.print(note)


def say(message: str, file: IO[Any] | None = None) -> None:
    """Tell the person at the terminal something that is not the result, if there still is one."""
    with suppress(OSError):
        click.echo(message, file=file or sys.stderr)


class _Said(logging.Handler):
    """Shows what the library has to say as a command says it."""

    def __init__(self) -> None:
        super().__init__()
        self.said_once: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message not in self.said_once:
            say(message)
        if getattr(record, "once", False):
            self.said_once.add(message)


_SAID = _Said()


def show_log() -> None:
    """From now on, what the library has to say goes to stderr, line by line."""
    _SAID.said_once.clear()
    if _SAID not in logger.handlers:
        logger.addHandler(_SAID)
    logger.setLevel(logging.INFO)
