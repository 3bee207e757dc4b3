"""``nassearch generate``: the most accurate networks that run within latency budgets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import json_option, print_json, say, show_table
from nasprof.errors import NasprofError
from profiler.commands.options import Milliseconds
from search.commands.options import Asked, answer_options, trade_off_options
from search.commands.verifying import speed_for, verified
from search.naming import exactly

if TYPE_CHECKING:
    from search.accuracy.answers import LowerBound
    from search.answers.deployment import Deployment
    from search.answers.export import Export
    from search.answers.inquiry import Inquiry
    from search.answers.replies import Reply
    from search.answers.verify import Candidates, Verification

_FRONT = 20
"""Budgets that the front of a picture is made of."""


class _Formats(click.ParamType[tuple[str, ...]]):
    """Names separated by commas."""

    name = "FORMAT[,...]"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        from profiler.lowering import formats

        names = tuple(dict.fromkeys(part.strip() for part in value.split(",")))
        for name in names:
            formats.get(name)
        return names


@click.command()
@click.option(
    "--budget",
    "budgets_ms",
    type=Milliseconds(),
    multiple=True,
    required=True,
    help="Latency allowed: 110, 110ms, 0.11s; may be given several times.",
)
@trade_off_options
@answer_options
@click.option(
    "--top",
    type=click.IntRange(1, 32),
    default=1,
    show_default=True,
    help="Networks for each budget.",
)
@click.option(
    "--verify/--no-verify",
    "verifying",
    default=None,
    help="Measure the answers; done on this machine's devices unless told otherwise.",
)
@click.option(
    "--answers",
    "measured_answers",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Top-1 of earlier answers as it was measured (.csv: arch,top1), for what the next have "
    "at least.",
)
@click.option("--protocol", help="How to measure; as the table was, in more rounds, unless given.")
@click.option(
    "--speed",
    "speed_of",
    type=click.Choice(["today", "table"]),
    help="The device's speed that budgets and answers are of: today's, which is timed, where the "
    "device is at hand, else the table's.",
)
@click.option(
    "--learn/--no-learn",
    "learning",
    default=True,
    show_default=True,
    help="Let your own table remember how far off measured answers were.",
)
@click.option("--export", "formats", type=_Formats(), help="Write models: onnx,tflite,torch.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Checkpoint for --export (.npz, .pth): an OFA supernet's. Random without.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out"),
    show_default=True,
    help="Folder for --export.",
)
@click.option("--plot", type=click.Path(path_type=Path), help="Networks and front, as PNG.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@json_option
def generate(
    budgets_ms: tuple[float, ...],
    asked: Asked,
    generator_path: Path | None,
    confidence: float,
    samples: int,
    polish: bool,
    top: int,
    verifying: bool | None,
    measured_answers: Path | None,
    protocol: str | None,
    speed_of: str | None,
    learning: bool,
    formats: tuple[str, ...] | None,
    weights: Path | None,
    output: Path,
    plot: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Answer latency budgets with the most accurate networks that keep within them.

    What is missing is made first, and kept: the lookup table of this machine, and the generator
    for the models. Afterwards any budget is answered in seconds.
    """
    import numpy as np

    from profiler.measuring.measure import Cancelled
    from profiler.measuring.protocol import parse_protocol
    from search.answers.inquiry import Inquiry
    from search.answers.replies import reply
    from search.commands.progress import training_progress
    from search.pnag.stored import ready_generator

    how = None if protocol is None else parse_protocol(protocol)
    site = asked.site()
    export = None if formats is None else _export(site, formats, output, weights)
    measuring = site.local if verifying is None else verifying
    plan = site.answer_plan(how) if measuring else None
    least = None if measured_answers is None else _least(site, measured_answers, confidence)
    with training_progress() as progress:
        generator = ready_generator(site.trade_off, generator_path, progress)
    speed = speed_for(site, speed_of, plan is not None)
    rng = np.random.default_rng(seed)
    inquiry = Inquiry(site, generator, rng, confidence, samples, polish, speed, least)
    candidates = inquiry.candidates(list(dict.fromkeys(budgets_ms)))
    found = verified(inquiry, candidates, plan, top)
    replies = [reply(each, found, inquiry.span) for each in candidates]
    failure = _written(replies, site, export)
    _show(replies, inquiry, as_json)
    if learning:
        _record(site, candidates, found)
    if plot is not None:
        _plot(replies, inquiry, plot)
    if failure is not None:
        raise failure
    if isinstance(found.ended, KeyboardInterrupt | Cancelled):
        raise NasprofError("interrupted: not all answers were measured")


def _export(
    site: Deployment, formats: tuple[str, ...], folder: Path, weights: Path | None
) -> Export:
    """What to write: models at the precision and batch that the latencies are of."""
    from search.answers.export import Export

    if weights is None:
        say("The exported models have random weights: give a checkpoint by --weights.")
    if site.plan is None:
        return Export(folder, formats, weights=weights)
    return Export(folder, formats, site.plan.precision, site.plan.batch, weights)


def _least(site: Deployment, measured: Path, confidence: float) -> LowerBound:
    """What top-1 answers have at least, by those of which it was measured."""
    from search.accuracy.answers import LowerBound
    from search.accuracy.measurements import read_measurements

    trade_off = site.trade_off
    answers = read_measurements(measured, trade_off.space.settings)
    return LowerBound.of(trade_off.accuracy, answers, confidence)


def _written(replies: list[Reply], site: Deployment, export: Export | None) -> NasprofError | None:
    """Write the files of all answers; what kept one from being written."""
    if export is None:
        return None
    try:
        for each in replies:
            for result in each.results:
                space = site.trade_off.space
                result.files.extend(export.write(result.name, space, result.answer.genes))
    except NasprofError as error:
        # The answers themselves are told all the same.
        return error
    return None


def _show(replies: list[Reply], inquiry: Inquiry, as_json: bool) -> None:
    from search.answers.replies import MEANING, as_dict, columns, heading, rows

    if as_json:
        data = [as_dict(each, inquiry) for each in replies]
        print_json(data[0] if len(data) == 1 else data)
        return
    notes = [MEANING.format(confidence=inquiry.confidence)]
    if inquiry.speed.of == "today":
        times = (one.answer.latency_ms for each in replies for one in each.results)
        told = ", ".join(f"{time_ms / inquiry.speed.factor:.2f}" for time_ms in times)
        notes.append(f"latency at the table's speed: {told} ms")
    notes += [f"{exactly(each.budget_ms)} ms: {each.note}" for each in replies if each.note]
    notes += [f"written: {file}" for each in replies for one in each.results for file in one.files]
    cells = [row for each in replies for row in rows(each, inquiry)]
    show_table(columns(inquiry), cells, heading(inquiry), notes)


def _record(site: Deployment, candidates: list[Candidates], found: Verification) -> None:
    from search.answers.feedback import record_answers

    try:
        recorded = record_answers(site, candidates, found)
    except NasprofError as error:
        say(f"The table could not remember what was measured: {error.message}")
        return
    if recorded is not None:
        path, count = recorded
        say(f"{path} remembers {count} answer{'s' * (count > 1)} more")


def _plot(replies: list[Reply], inquiry: Inquiry, path: Path) -> None:
    from search.answers.replies import heading
    from search.pictures.answers import Shown, plot_answers

    shown = [
        Shown(each.budget_ms, result.answer, result.measured_ms)
        for each in replies
        for result in each.results[:1]
    ]
    site = inquiry.site
    front = [answer for _, answer in inquiry.front(_FRONT)]
    plot_answers(site.trade_off, shown, front, heading(inquiry), path)
    say(f"Plotted to {path}")
