"""Cost models learned from networks that were measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from luts.files import cost_model_files, refuse_existing, write_cost_model
from luts.learned import LearnedCostModel
from luts.training import TrainingSet
from nasprof import __version__
from nasprof.errors import UsageError
from nasprof.log import logger
from nasprof.typing import JsonObject
from profiler.measuring.records import Measurement
from profiler.measuring.saved import read_measurements
from profiler.measuring.schedule import INCOMPLETE

Measured: TypeAlias = str | Path | Measurement
"""A file that ``measure(save=...)`` wrote, or a measurement."""


@dataclass(frozen=True)
class LatencyFit:
    """A learned cost model, and what it was not learned from.

    Args:
        model: predicts latencies.
        path: its file; None where it was not written.
        skipped: how many measurements could not be learned from, by reason.
    """

    model: LearnedCostModel
    path: Path | None
    skipped: Mapping[str, int]

    def to_dict(self) -> JsonObject:
        """As JSON."""
        model = self.model
        return {
            "path": None if self.path is None else str(self.path),
            "networks": len(model.training),
            "spaces": [space.settings for space in model.spaces],
            "clock": model.clock,
            "chosen": model.choice.to_dict(),
            "candidates": [candidate.to_dict() for candidate in model.candidates],
            "agreement": model.agreement.to_dict(),
            "upper": {str(level): bound.to_dict() for level, bound in model.bounds().items()},
            "skipped": dict(self.skipped),
            "doubts": model.doubts,
        }


def fit_latency(
    measurements: Measured | Iterable[Measured],
    *,
    clock: str = "wall",
    seed: int = 0,
    output: str | Path | None = None,
    overwrite: bool = False,
) -> LatencyFit:
    """Learn to predict latency from measured networks.

    For devices where latency is no sum of blocks, such as GPUs at batch 1. Ridge, Huber,
    support-vector and boosted regression are compared by cross-validation and the most accurate
    is kept.

    Args:
        measurements: files that were saved (``.jsonl``), or measurements, of at least 20 distinct
            networks, under the same conditions; those of model files and incomplete ones are left
            out.
        clock: the time to predict: "wall" or "cpu".
        seed: of the folds, at least 0.
        output: file (``.json``) or name of the cost model; not written unless given.
        overwrite: replace the output if it exists.

    Raises:
        UsageError: the output exists, a record is no measurement, there are too few networks, or
            they were measured under different conditions, naming those.

    >>> fitted = fit_latency("results.jsonl", output="gpu.json")  # doctest: +SKIP
    >>> fitted.model.latency_ms(genes)  # doctest: +SKIP
    array([3.21, 4.05])
    """
    path = None if output is None else cost_model_files.path(str(output))
    if path is not None:
        refuse_existing(path, overwrite)
    chosen, skipped = _usable(_measurements(measurements))
    for reason, count in skipped.items():
        logger.info(f"Skipped {count} of {len(chosen) + skipped.total()}: {reason}.")
    _require_alike(chosen)
    archs = [measurement.arch or {} for measurement in chosen]
    training = TrainingSet.of(archs, _latencies_ms(chosen, clock))
    name = "latency" if path is None else path.stem
    model = LearnedCostModel.fit(name, training, _provenance(chosen), clock=clock, seed=seed)
    if path is not None:
        write_cost_model(model, path)
    for doubt in model.doubts:
        logger.warning(f"Take {model.name!r} with care: {doubt}.")
    return LatencyFit(model, path, dict(skipped))


def _measurements(given: Measured | Iterable[Measured]) -> Iterator[Measurement]:
    several = [given] if isinstance(given, str | Path | Measurement) else given
    for item in several:
        if isinstance(item, Measurement):
            yield item
        else:
            yield from read_measurements([Path(item)])


def _usable(measurements: Iterable[Measurement]) -> tuple[list[Measurement], Counter[str]]:
    """Those that can be learned from, and why how many others cannot."""
    usable: list[Measurement] = []
    skipped: Counter[str] = Counter()
    for measurement in measurements:
        if measurement.arch is None:
            skipped["it is of a model file, not of an architecture"] += 1
        elif INCOMPLETE in measurement.flags:
            skipped["it was interrupted"] += 1
        else:
            usable.append(measurement)
    if not usable:
        raise UsageError(
            f"none of {skipped.total()} measurements is a complete one of an architecture",
            "Measure some: nasprof measure --arch ... --save results.jsonl",
        )
    return usable, skipped


def _require_alike(measurements: Sequence[Measurement]) -> None:
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


def _latencies_ms(measurements: Sequence[Measurement], clock: str) -> list[float]:
    """Trimmed means on a clock.

    Raises:
        UsageError: saying how many have none on it.
    """
    latencies_ms = [
        measurement.by_clock[clock] for measurement in measurements if clock in measurement.by_clock
    ]
    lacking = len(measurements) - len(latencies_ms)
    if lacking:
        raise UsageError(
            f"{lacking} of {len(measurements)} measurements have no {clock} times",
            "Use --clock wall.",
        )
    return latencies_ms


def _provenance(measurements: Sequence[Measurement]) -> JsonObject:
    """What all measurements share, and when and how they were taken."""
    protocols = dict.fromkeys(measurement.protocol for measurement in measurements)
    known = [protocol.to_dict() for protocol in protocols]
    return {
        **measurements[0].conditions.to_dict(),
        "source": "networks",
        "protocol": known[0] if len(known) == 1 else known,
        "measurements": len(measurements),
        "flags": sorted({flag for measurement in measurements for flag in measurement.flags}),
        "time": max(measurement.time for measurement in measurements),
        "nasprof": __version__,
    }
