"""``nassearch archive``: look at archives of searches, merge them, export them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nasprof.cli import json_option, print_json, say, setting_option, show_table

_PATH = click.Path(path_type=Path)

overwrite_option = click.option("--overwrite", is_flag=True, help="Replace a file that exists.")


@click.group()
def archive() -> None:
    """Show, merge and export archives of searches (nassearch run -o FOLDER)."""


@archive.command()
@click.argument("files", nargs=-1, required=True, type=_PATH)
@click.option("--front", is_flag=True, help="Show what nothing dominates, too.")
@click.option(
    "--top",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Architectures of the front shown, spread over it, besides those pointed out.",
)
@setting_option(
    "Where hypervolumes end; the worst evaluated of each objective unless given.",
    flag="--reference",
    name="reference",
)
@click.option("--plot", type=_PATH, help="The front as PNG; numbered if there are several files.")
@click.option(
    "--curves", type=_PATH, help="Hypervolume against evaluations as PNG, a curve an engine."
)
@json_option
def show(
    files: tuple[Path, ...],
    front: bool,
    top: int,
    reference: dict[str, Any],
    plot: Path | None,
    curves: Path | None,
    as_json: bool,
) -> None:
    """Show what archives hold: their best, their front and its hypervolume.

    Pointed out are the knee, farthest from the plane through the extremes, and what is preferred
    by trade-off: leaving it for a neighbour loses most for what it gains. Files of the same
    objectives have the same reference.
    """
    from search.archives.stored import read_archive
    from search.archives.summary import summaries
    from search.commands.archive_view import plot_fronts, plot_progress, show_front, show_objectives

    shown = summaries([read_archive(path) for path in files], reference)
    if plot is not None:
        plot_fronts(shown, plot)
    if curves is not None:
        plot_progress(shown, curves)
    if as_json:
        data = [summary.to_dict() for summary in shown]
        print_json(data[0] if len(data) == 1 else data)
        return
    for summary in shown:
        show_objectives(summary)
        if front:
            show_front(summary, top)


@archive.command("merge")
@click.argument("files", nargs=-1, required=True, type=_PATH)
@click.option("-o", "--output", required=True, type=_PATH, help="File (.jsonl) to write.")
@overwrite_option
@json_option
def merge(files: tuple[Path, ...], output: Path, overwrite: bool, as_json: bool) -> None:
    """Make one archive of several of the same space, objectives and models.

    Each architecture is kept once, with the values of the first file that has any.
    """
    from search.archives.merge import merge_archives, write_archive
    from search.archives.stored import read_archive

    archives = [read_archive(path) for path in files]
    merged, notes = merge_archives(archives)
    write_archive(merged, output, overwrite)
    for note in notes:
        say(note)
    counts = {
        "files": len(files),
        "evaluations": len(merged),
        "repeated": sum(map(len, archives)) - len(merged),
        "front": len(merged.front),
    }
    if as_json:
        print_json({"path": str(output)} | counts)
    else:
        show_table([f">{name}" for name in counts], [[*map(str, counts.values())]], str(output))


@archive.command()
@click.argument("file", type=_PATH)
@click.option("--format", "form", default="csv", show_default=True, help="csv is known.")
@click.option("-o", "--output", type=_PATH, help="File to write; stdout unless given.")
@click.option("--front", is_flag=True, help="Only what nothing dominates.")
@click.option("--failed", is_flag=True, help="Also what failed, with a column saying why.")
@overwrite_option
def export(
    file: Path, form: str, output: Path | None, front: bool, failed: bool, overwrite: bool
) -> None:
    """Write an archive as a table: arch (JSON) and a column an objective.

    Accuracies exported as top1 can be fitted again (nassearch fit).
    """
    from luts.files import refuse_existing
    from nasprof.files import write_atomic
    from search.archives.formats import archive_formats, archive_text
    from search.archives.stored import read_archive

    archive_formats.get(form)
    stored = read_archive(file)
    lost = int((~stored.known).sum())
    if lost and not (failed or front):
        say(f"{lost} that failed are left out; --failed has them")
    text = archive_text(stored, form, front=front, failed=failed)
    if output is None:
        click.echo(text, nl=False)
        return
    refuse_existing(output, overwrite)
    write_atomic(output, text.encode())
    say(f"Written to {output}")
