"""``nasprof fit``: learn a cost model from networks that were measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import GreedyCommand, json_option, print_json, say, show_table
from nasprof.errors import UsageError

if TYPE_CHECKING:
    from luts.learned import LearnedCostModel
    from profiler.measuring.records import Measurement


class _Command(GreedyCommand):
    greedy = ("--measurements",)


@click.command(cls=_Command)
@click.option(
    "--measurements",
    "paths",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What nasprof measure --save wrote (.jsonl), one or more.",
)
@click.option(
    "--clock",
    type=click.Choice(["wall", "cpu"]),
    default="wall",
    show_default=True,
    help="The time to predict.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the folds."
)
@click.option(
    "-o", "--output", required=True, help="Cost model: a file (.json), or a name among your own."
)
@click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
@json_option
def fit(
    paths: tuple[Path, ...], clock: str, seed: int, output: str, overwrite: bool, as_json: bool
) -> None:
    """Learn to predict latency from measured networks.

    For devices where latency is no sum of blocks, such as GPUs at batch 1. Ridge, Huber,
    support-vector and boosted regression are compared by cross-validation and the most accurate
    is kept. At least 20 distinct networks are needed, 50 or more are better.
    """
    from luts.files import cost_model_files, refuse_existing, write_cost_model
    from luts.learned import LearnedCostModel
    from luts.training import TrainingSet

    path = cost_model_files.path(output)
    refuse_existing(path, overwrite)
    measurements, skipped = select(read_measurements(paths))
    for reason, count in skipped.items():
        say(f"Skipped {count} of {len(measurements) + skipped.total()}: {reason}.")
    check_alike(measurements)
    archs = [measurement.arch or {} for measurement in measurements]
    training = TrainingSet.of(archs, latencies_ms(measurements, clock))
    about = provenance(measurements)
    model = LearnedCostModel.fit(path.stem, training, about, clock=clock, seed=seed)
    write_cost_model(model, path)
    if as_json:
        print_json(_summary(model, path, skipped))
    else:
        _show(model)
    for doubt in model.doubts:
        say(f"Take {model.name!r} with care: {doubt}.")
    say(f"Written to {path}")


def read_measurements(paths: Sequence[Path]) -> Iterator[Measurement]:
    """The measurements in files, in their order.

    Raises:
        UsageError: naming the file and record that is no measurement.
    """
    from nasprof.jsonl import read_jsonl
    from profiler.measuring.records import Measurement

    for path in paths:
        for number, record in enumerate(read_jsonl(path), 1):
            try:
                yield Measurement.from_dict(record)
            except UsageError as error:
                message = f"{path}, record {number}: {error.message}"
                raise UsageError(message, error.remedy) from error


def select(measurements: Iterator[Measurement]) -> tuple[list[Measurement], Counter[str]]:
    """Those that can be learned from, and why how many others cannot."""
    from profiler.measuring.schedule import INCOMPLETE

    chosen: list[Measurement] = []
    skipped: Counter[str] = Counter()
    for measurement in measurements:
        if measurement.arch is None:
            skipped["it is of a model file, not of an architecture"] += 1
        elif INCOMPLETE in measurement.flags:
            skipped["it was interrupted"] += 1
        else:
            chosen.append(measurement)
    if not chosen:
        raise UsageError(
            f"none of {skipped.total()} measurements is a complete one of an architecture",
            "Measure some: nasprof measure --arch ... --save results.jsonl",
        )
    return chosen, skipped


def check_alike(measurements: Sequence[Measurement]) -> None:
    """Refuse measurements that were not taken under the same conditions.

    Raises:
        UsageError: naming what differs, with both values.
    """
    first = measurements[0]
    for measurement in measurements[1:]:
        differing = first.conditions.changed(measurement.conditions)
        if differing:
            values = ", ".join(f"{name} ({a!r} and {b!r})" for name, (a, b) in differing.items())
            raise UsageError(
                f"{first.name!r} and {measurement.name!r} were not measured alike: "
                f"they differ in {values}",
                "Fit one model for each.",
            )


def latencies_ms(measurements: Sequence[Measurement], clock: str) -> list[float]:
    """Trimmed means on a clock.

    Raises:
        UsageError: saying how many have none on it.
    """
    taken = [each.latency_ms if clock == "wall" else each.cpu_ms for each in measurements]
    found = [estimates.trimmed_mean for estimates in taken if estimates is not None]
    if len(found) < len(taken):
        raise UsageError(
            f"{len(taken) - len(found)} of {len(taken)} measurements have no {clock} times",
            "Use --clock wall.",
        )
    return found


def provenance(measurements: Sequence[Measurement]) -> dict[str, Any]:
    """What all measurements share, and when and how they were taken."""
    from nasprof import __version__

    protocols = [each.as_dict() for each in dict.fromkeys(each.protocol for each in measurements)]
    return {
        **measurements[0].conditions.to_dict(),
        "source": "networks",
        "protocol": protocols[0] if len(protocols) == 1 else protocols,
        "measurements": len(measurements),
        "flags": sorted({flag for each in measurements for flag in each.flags}),
        "time": max(each.time for each in measurements),
        "nasprof": __version__,
    }


def _summary(model: LearnedCostModel, output: Path, skipped: Counter[str]) -> dict[str, Any]:
    return {
        "path": str(output),
        "networks": len(model.training),
        "spaces": [space.settings for space in model.spaces],
        "clock": model.clock,
        "chosen": model.choice.as_dict(),
        "candidates": [candidate.as_dict() for candidate in model.candidates],
        "agreement": model.agreement.as_dict(),
        "upper": {str(level): bound.as_dict() for level, bound in model.bounds().items()},
        "skipped": dict(skipped),
        "doubts": model.doubts,
    }


def _show(model: LearnedCostModel) -> None:
    rows = [
        (
            candidate.choice.estimator,
            candidate.choice.features,
            ", ".join(f"{name}={value:g}" for name, value in candidate.choice.parameters.items()),
            f"{candidate.mape:.2%}",
            f"{candidate.spearman:.3f}",
        )
        for candidate in model.candidates
    ]
    known = model.agreement
    upper = [f"{bound.factor:.3f} ({level:.0%})" for level, bound in model.bounds().items()]
    notes = [
        f"Chosen: {model.choice.estimator} on {model.choice.features}. On networks it was not "
        f"fitted on: MAPE {known.mape:.2%}, Spearman {known.spearman:.3f}, "
        f"worst {known.worst:.1%}.",
        f"Upper bounds, as multiples of the prediction: {', '.join(upper)}.",
    ]
    title = f"{model.name}: learned from {len(model.training)} networks, {model.clock} clock"
    show_table(("estimator", "features", "parameters", ">MAPE", ">Spearman"), rows, title, notes)
