"""``nasprof measure``: the latency of architectures or model files on a device."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import GreedyCommand, json_option, print_json, say
from nasprof.errors import NasprofError
from profiler.commands.options import arch_option, supernet_options
from profiler.commands.speed import said
from profiler.commands.target import target_options

if TYPE_CHECKING:
    from devices import DeviceError, Target
    from profiler.api.measure import Measurements
    from supernets import SupernetWeights


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
@supernet_options
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
    supernet: SupernetWeights | None,
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
    _require_sense(archs, models, as_csv and as_json)
    _require_given({"--shape": shapes, "--dim": sizes, "--input": values}, "--model", models)
    _require_given({"--signature": signature}, "--model", models)
    _require_given({"--precision": precision, "--weights": weights}, "--arch", archs)
    _require_given({"--supernet": supernet}, "--arch", archs)
    from profiler import Listeners, LoweringOptions, ModelInputs, named_archs
    from profiler import measure as measure_models
    from profiler.commands.progress import progress_bar
    from profiler.model_files.own import own_files

    inputs = ModelInputs.parse(shapes, sizes, values, batch, signature)
    files = own_files(models, inputs.details)
    lowering = LoweringOptions(
        precision or "fp32", batch or 1, weights, seed=seed, supernet=supernet
    )
    with progress_bar() as progress:
        results = measure_models(
            [*named_archs(archs), *files],
            target,
            protocol=protocol,
            lowering=lowering,
            save=save,
            listeners=Listeners(progress, failed=_tell_failure),
        )
    _show(results, as_json, as_csv, plot)
    if results.save_error is not None:
        raise results.save_error
    if save is not None:
        say(f"Saved to {save}")
    if results.failed:
        total = len(results) + len(results.failed)
        raise NasprofError(f"{len(results.failed)} of {total} models were not measured")


def _require_sense(archs: tuple[Path, ...], models: tuple[Path, ...], two_forms: bool) -> None:
    if not archs and not models:
        raise click.UsageError("Give at least one --arch or --model.")
    if two_forms:
        raise click.UsageError("--csv and --json exclude each other.")


def _require_given(options: Mapping[str, object], what: str, given: tuple[Path, ...]) -> None:
    """Refuse options that would do nothing."""
    for name, value in options.items():
        if value and not given:
            raise click.UsageError(f"{name} says how a {what} is run, and there is none.")


def _tell_failure(name: str, error: DeviceError) -> None:
    from profiler.measuring.inputs import failure

    problem = failure(name, error)
    say(f"Error: {problem.message}" + (f"\n{problem.remedy}" if problem.remedy else ""))


def _show(results: Measurements, as_json: bool, as_csv: bool, plot: Path | None) -> None:
    from profiler.commands.show_measurements import show_results
    from profiler.reports.measurements import doubts_about_inputs, plot_samples, results_csv

    records = [result.to_dict() for result in results]
    if as_json or as_csv:
        for line in doubts_about_inputs(records):
            say(line)
    if as_json:
        print_json(results.to_dict())
    elif as_csv:
        click.echo(results_csv(records), nl=False)
    else:
        speed = None if results.speed is None else results.speed.to_dict()
        show_results(records, [] if speed is None else [f"{said(speed)}, {speed['table']}"])
    if plot is not None:
        plot_samples(records, plot)
        say(f"Plotted to {plot}")
