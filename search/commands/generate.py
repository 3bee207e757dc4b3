"""``nassearch generate``: the most accurate networks that run within latency budgets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import json_option, print_json, say, show_table
from nasprof.errors import NasprofError, UsageError
from profiler.commands.options import Milliseconds
from search.commands.options import Asked, answer_options, trade_off_options

if TYPE_CHECKING:
    from luts import Speed
    from profiler.protocol import Protocol
    from profiler.records import Measurement
    from search.delivery.bench import Bench
    from search.delivery.export import Export
    from search.delivery.inquiry import Inquiry
    from search.delivery.replies import Reply
    from search.delivery.site import Site
    from search.delivery.verify import Candidates, Verification
    from spaces import Genes

_USUAL = 1.15
"""Ratio of two latencies or speeds that is nothing to be told of."""
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

    from profiler.measure import Cancelled
    from profiler.protocol import parse_protocol
    from search.commands.training import ready_generator
    from search.delivery.inquiry import Inquiry
    from search.delivery.replies import reply

    how = None if protocol is None else parse_protocol(protocol)
    site = asked.site()
    export = None if formats is None else _export(site, formats, output, weights)
    bench = _bench(site, how) if (site.local if verifying is None else verifying) else None
    generator = ready_generator(site, generator_path)
    speed = _speed(site, speed_of, bench is not None)
    rng = np.random.default_rng(seed)
    inquiry = Inquiry(site, generator, rng, confidence, samples, polish, speed)
    candidates = inquiry.candidates(list(dict.fromkeys(budgets_ms)))
    found = _verified(inquiry, candidates, bench, top)
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


def _speed(site: Site, asked: str | None, measuring: bool) -> Speed:
    """The speed that answers are of: today's where it can be told, unless said otherwise.

    Args:
        measuring: whether answers will be measured on the device, so that it may be contacted.

    Raises:
        UsageError: today's was asked for and cannot be told, saying why.
    """
    from luts import TABLE_SPEED
    from search.delivery.bench import bench_of, speed_at

    if asked == "table" or (asked is None and not (site.local or measuring)):
        return TABLE_SPEED
    from profiler.commands.building import building_progress

    bench = bench_of(site)
    if bench is None:
        return _table_speed(f"no device is called {site.name!r}", asked)
    if site.changed:
        return _table_speed("the device is not as it was when the table was measured", asked)
    say(f"Timing the sentinel on {site.name!r}")
    speed = speed_at(site, bench, building_progress)
    if speed is None:
        return _table_speed(f"{site.trade_off.cost.name!r} keeps no sentinel of its own", asked)
    if speed.is_far:
        say(
            f"Careful: {site.name!r} takes {speed.factor:.2f} times as long as when its table was "
            "measured. Wait until it is as it was, or nasprof build-lut --fresh"
        )
    return speed


def _table_speed(why: str, asked: str | None) -> Speed:
    from luts import TABLE_SPEED

    if asked is not None:
        raise UsageError(
            f"today's speed cannot be told: {why}",
            "Take --speed table, or a table measured on this device: nasprof build-lut.",
        )
    say(f"Latencies are at the table's speed: {why}")
    return TABLE_SPEED


def _export(site: Site, formats: tuple[str, ...], folder: Path, weights: Path | None) -> Export:
    """What to write: models at the precision and batch that the latencies are of."""
    from search.delivery.export import Export

    if weights is None:
        say("The exported models have random weights: give a checkpoint by --weights.")
    if site.plan is None:
        return Export(folder, formats, weights=weights)
    return Export(folder, formats, site.plan.precision, site.plan.batch, weights)


def _bench(site: Site, protocol: Protocol | None) -> Bench:
    """The site's device, to measure answers on.

    Raises:
        UsageError: it is not known which that is.
    """
    from search.delivery.bench import bench_of

    bench = bench_of(site, protocol)
    if bench is None:
        raise UsageError(
            f"no device is called {site.name!r}: the answers cannot be measured",
            "Name the device by --device, or leave out --verify.",
        )
    return bench


def _verified(
    inquiry: Inquiry, candidates: list[Candidates], bench: Bench | None, top: int
) -> Verification:
    """The candidates measured on a bench, if there is one; says on stderr what went wrong."""
    from profiler.commands.building import building_progress
    from search.delivery.verify import Stated, Verification, verify

    site, speed = inquiry.site, inquiry.speed
    cost = site.trade_off.cost
    sentinel = getattr(cost, "sentinel", None) if speed.of == "today" else None
    stated = Stated(cost.clock, sentinel, speed.factor)
    if bench is None:
        return Verification(stated, top)

    def take(genes: Genes) -> list[Measurement]:
        return bench.measure(genes, building_progress())

    say(f"Measuring the answers on {site.name!r}")
    found = verify(candidates, stated, take, inquiry.again, top=top)
    if found.ended is not None:
        why = getattr(found.ended, "message", "interrupted")
        say(f"Verifying ended early ({why}): answers that were not measured are predictions")
    _doubt(site, found, candidates)
    return found


def _doubt(site: Site, found: Verification, candidates: list[Candidates]) -> None:
    """Say where measured latencies are far from predicted ones, or are doubtful themselves."""
    from statistics import median

    flags = {flag for each in found.measurements.values() for flag in each.flags}
    if flags:
        say(f"Doubts about what was measured: {', '.join(sorted(flags))}")
    drift = found.drift()
    if drift is not None and not 1 / _USUAL < drift < _USUAL:
        say(
            f"While answers were measured {site.name!r} took {drift:.2f} times as long as stated; "
            "measured latencies are brought to the speed stated by the sentinel"
        )
    ratios = found.ratios(candidates)
    if not ratios or 1 / _USUAL < median(ratios) < _USUAL:
        return
    cost = site.trade_off.cost
    say(f"Careful with {cost.name!r}: networks take {median(ratios):.2f} times what it predicts")
    if site.changed:
        say("Measure a table of this device as it is: leave out --lut, or nasprof build-lut")
    elif not flags:
        say(f"Calibrate it anew: nasprof audit {getattr(cost, 'path', None) or cost.name} --update")


def _written(replies: list[Reply], site: Site, export: Export | None) -> NasprofError | None:
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
    from search.delivery.replies import COLUMNS, MEANING, as_dict, exactly, heading, rows

    site = inquiry.site
    if as_json:
        data = [as_dict(each, inquiry) for each in replies]
        print_json(data[0] if len(data) == 1 else data)
        return
    notes = [MEANING.format(confidence=inquiry.confidence)]
    notes += [f"{exactly(each.budget_ms)} ms: {each.note}" for each in replies if each.note]
    notes += [f"written: {file}" for each in replies for one in each.results for file in one.files]
    show_table(
        COLUMNS, [row for each in replies for row in rows(each, site)], heading(inquiry), notes
    )


def _record(site: Site, candidates: list[Candidates], found: Verification) -> None:
    from search.delivery.feedback import record_answers

    try:
        recorded = record_answers(site, candidates, found)
    except NasprofError as error:
        say(f"The table could not remember what was measured: {error.message}")
        return
    if recorded is not None:
        path, count = recorded
        say(f"{path} remembers {count} answer{'s' * (count > 1)} more")


def _plot(replies: list[Reply], inquiry: Inquiry, path: Path) -> None:
    from search.delivery.plot import Shown, plot_answers
    from search.delivery.replies import heading

    shown = [
        Shown(each.budget_ms, result.answer, result.measured_ms)
        for each in replies
        for result in each.results[:1]
    ]
    site = inquiry.site
    front = [answer for _, answer in inquiry.front(_FRONT)]
    plot_answers(site.trade_off, shown, front, heading(inquiry), path)
    say(f"Plotted to {path}")
