"""``nasprof measure``: the latency of architectures or model files on a device."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import GreedyCommand, json_option, print_json, say
from nasprof.errors import NasprofError, UsageError
from nasprof.temporary import TemporaryFolder
from profiler.commands.options import arch_option
from profiler.commands.speed import said
from profiler.commands.target import target_options

if TYPE_CHECKING:
    from devices import Device, Profile, RunSettings, Target
    from profiler.measuring.groups import Work
    from profiler.measuring.protocol import Protocol
    from profiler.measuring.records import Item, Measurement
    from profiler.model_files.architectures import NamedArch
    from profiler.model_files.lowered import LoweringOptions


class _Saver:
    """Appends results to a file; one that cannot be written does not end the measurement."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.error: NasprofError | None = None

    def __call__(self, result: Measurement) -> None:
        from nasprof.jsonl import append_jsonl

        try:
            if self.path is not None:
                append_jsonl(self.path, result.as_dict())
        except NasprofError as error:
            self.error = error


@click.command(cls=GreedyCommand)
@target_options(setting="--set")
@arch_option("archs", required=False)
@click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Model files (.onnx, .tflite, ...), one or more.",
)
@click.option("--precision", help="fp32, fp16 or int8, of what --arch is lowered to.  [fp32]")
@click.option(
    "--batch",
    type=click.IntRange(1),
    help="Inputs a run, also of a --model that leaves it open.  [1]",
)
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    metavar="NAME=SIZES",
    help="Shape of a --model's input: x=1,3,640,640.",
)
@click.option(
    "--dim",
    "sizes",
    multiple=True,
    metavar="NAME=SIZE",
    help="A size that a --model leaves open, by its name: height=640.",
)
@click.option(
    "--input",
    "values",
    multiple=True,
    metavar="NAME=VALUES",
    help="What a --model's input holds: a file (x.npy), zeros, range, ids:VOCABULARY or a number.",
)
@click.option("--signature", help="Which signature of a TFLite --model is run.")
@click.option(
    "--protocol",
    help="adaptive, quick, thorough, fixed, pomonag; with changes: fixed:runs=50,rounds=5. "
    "The profile's unless given.",
)
@click.option("--weights", type=click.Path(path_type=Path), help="Checkpoint for --arch.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all that is random.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV instead of a table.")
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append the results to this .jsonl.",
)
@click.option("--plot", type=click.Path(path_type=Path), help="Histogram of samples, as PNG.")
@json_option
def measure(
    target: Target,
    archs: tuple[Path, ...],
    models: tuple[Path, ...],
    precision: str | None,
    batch: int | None,
    shapes: tuple[str, ...],
    sizes: tuple[str, ...],
    values: tuple[str, ...],
    signature: str | None,
    protocol: str | None,
    weights: Path | None,
    seed: int,
    as_csv: bool,
    save: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Measure how long networks take on a device.

    Several are measured in interleaved rounds, so that what disturbs one disturbs all. Samples
    are never thrown away; --save keeps them with everything that the result depends on, also when
    the measurement is interrupted.
    """
    if not archs and not models:
        raise click.UsageError("Give at least one --arch or --model.")
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other.")
    own = {"--shape": shapes, "--dim": sizes, "--input": values, "--signature": signature}
    lowered = {"--precision": precision, "--weights": weights}
    _check_belonging(own, "--model", bool(models))
    _check_belonging(lowered, "--arch", bool(archs))
    from devices import Conditions
    from profiler.measuring.protocol import parse_protocol
    from profiler.model_files.formats import format_for
    from profiler.model_files.lowered import LoweringOptions
    from profiler.model_files.own import own_items, parse_details

    given = own_items(models, parse_details(shapes, sizes, values, batch, signature))

    known = Conditions(runtime=None if target.runtime else _runtime_of(models))
    backend = target.resolve(known)
    profile, run_settings = backend.profile, backend.settings
    how = parse_protocol(protocol or profile.protocol)
    form = format_for(run_settings.runtime, models)
    lowering = LoweringOptions(precision or "fp32", batch or 1, weights, seed=seed)
    works = [*_lowered_works(archs, form, lowering), *map(_given_work, given)]
    saver = _Saver(save)
    with TemporaryFolder() as folder:
        results = _run(backend.device, run_settings, works, how, form, seed, folder, saver)
    _show(results, _speed(results, profile, run_settings), as_json, as_csv, plot)
    if saver.error is not None:
        raise saver.error
    if save is not None:
        say(f"Saved to {save}")
    if len(results) < len(works):
        raise NasprofError(f"{len(works) - len(results)} of {len(works)} models were not measured")


def _check_belonging(options: dict[str, Any], what: str, given: bool) -> None:
    """Refuse options that would do nothing."""
    for name, value in options.items():
        if value and not given:
            raise click.UsageError(f"{name} says how a {what} is run, and there is none.")


def _runtime_of(models: Sequence[Path]) -> str | None:
    """The one runtime that executes all model files; None if there are none."""
    from profiler.model_files.formats import runtime_for

    runtimes = {runtime_for(path) for path in models}
    if len(runtimes) > 1:
        raise UsageError(
            f"model files for {' and '.join(sorted(runtimes))} cannot be measured together",
            "Measure them one runtime at a time.",
        )
    return runtimes.pop() if runtimes else None


def _lowered_works(paths: Sequence[Path], form: str, options: LoweringOptions) -> list[Work]:
    from profiler.lowering import formats
    from profiler.measuring.groups import Work
    from profiler.model_files.architectures import named_archs

    suffix = formats.get(form).suffix
    works = []
    for subject in named_archs(paths):
        genes = subject.space.encode([subject.arch])
        works.append(
            Work(
                subject.name,
                partial(_lowered_item, subject, form, options),
                int(subject.space.params(genes)[0]) * _BYTES.get(options.precision, 4),
                suffix,
                int(subject.space.peak_memory(genes)[0]) * options.batch,
            )
        )
    return works


_BYTES = {"int8": 1, "fp16": 2}


def _lowered_item(subject: NamedArch, form: str, options: LoweringOptions, folder: Path) -> Item:
    from profiler.measuring.records import Item
    from profiler.model_files.lowered import lower_arch

    lowered = lower_arch(subject, form, options, folder)
    network = subject.network
    extra = {
        "path": lowered.path.name,
        "precision": lowered.precision,
        "batch": lowered.batch,
        "drift_from_fp32": lowered.drift,
        "weights": "random" if options.weights is None else str(options.weights),
        "seed": options.seed,
        "macs": network.macs,
        "params": network.params,
    }
    return Item(subject.name, lowered.path, subject.arch, extra)


def _given_work(item: Item) -> Work:
    from devices.digest import model_size
    from profiler.measuring.groups import Work

    size = model_size(item.path, item.details.companions)
    return Work(item.name, lambda _: item, size, item.path.suffix, written=False)


def _run(
    device: Device,
    settings: RunSettings,
    works: Sequence[Work],
    protocol: Protocol,
    form: str,
    seed: int,
    folder: Path,
    saver: _Saver,
) -> list[Measurement]:
    """Measure, and on failure keep what was taken before passing the failure on."""
    import numpy as np

    from profiler.commands.progress import progress_bar
    from profiler.measuring.groups import Listeners, forecast, grouped, limit_bytes, measure_groups
    from profiler.measuring.inputs import failure
    from profiler.measuring.measure import Interrupted
    from profiler.measuring.schedule import INCOMPLETE
    from profiler.model_files.references import reference_files

    groups = grouped(works, limit_bytes(device, folder))
    if (words := forecast(groups, protocol)) is not None:
        say(words)
    references = reference_files(form, folder)
    rng = np.random.default_rng(seed)
    try:
        with progress_bar() as progress:
            told = Listeners(
                progress, saver, lambda name, error: _tell_failure(failure(name, error))
            )
            return measure_groups(device, settings, groups, protocol, rng, folder, references, told)
    except Interrupted as error:
        for result in error.measurements:
            if INCOMPLETE in result.flags:
                saver(result)
        if saver.path is not None and error.measurements and saver.error is None:
            say(f"What was measured until then is in {saver.path}, marked where incomplete.")
        raise


def _tell_failure(error: NasprofError) -> None:
    say(f"Error: {error.message}" + (f"\n{error.remedy}" if error.remedy else ""))


def _speed(
    results: Sequence[Measurement], profile: Profile, settings: RunSettings
) -> dict[str, Any] | None:
    """The device's speed beside when the user's own table of it was measured; None without one."""
    from luts import LookupTable, read_cost_model
    from profiler.measuring.protocol import parse_protocol
    from profiler.measuring.speed import speed_beside
    from profiler.tables.plan import Plan
    from spaces import parse_arch

    archs = (result.arch for result in results)
    space = next((parse_arch(arch)[0] for arch in archs if arch is not None), None)
    if space is None:
        return None
    try:
        path = Plan((space,), parse_protocol(profile.table_protocol)).path(profile, settings)
        table = read_cost_model(path) if path.exists() else None
    except (NasprofError, OSError):
        return None  # a table that cannot be read is no matter of this measurement
    if not isinstance(table, LookupTable) or table.sentinel is None:
        return None
    speeds = speed_beside(results, table.sentinel) or {}
    found = speeds.get(table.clock)
    return None if found is None else {**found.as_dict(), "table": table.name}


def _show(
    results: Sequence[Measurement],
    speed: dict[str, Any] | None,
    as_json: bool,
    as_csv: bool,
    plot: Path | None,
) -> None:
    from profiler.commands.show_measurements import show_results
    from profiler.reports.measurements import (
        doubts_about_inputs,
        plot_samples,
        results_csv,
    )

    records = [result.as_dict() for result in results]
    if as_json or as_csv:
        for line in doubts_about_inputs(records):
            say(line)
    if as_json:
        print_json([{**record, "speed": speed} for record in records])
    elif as_csv:
        click.echo(results_csv(records), nl=False)
    else:
        show_results(records, [] if speed is None else [f"{said(speed)}, {speed['table']}"])
    if plot is not None:
        plot_samples(records, plot)
        say(f"Plotted to {plot}")
