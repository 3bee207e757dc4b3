"""How well predictors predict what was measured, against how much they were told, and how fast.

``quality``: mean absolute percentage error, Spearman and Kendall on up to 1,000 networks that were
not fitted to, against the number of those that were; 20 random splits (5 of the predictors that
take longest), mean and standard error. Measured are

- top-1 on ImageNet of OFA-MobileNetV3 w1.0 subnets (IntelLabs/DyNAS-T), repeats averaged;
- latencies of OFA-MobileNetV3 networks on two GPUs at three batch sizes (HELP, Lee et al.,
  NeurIPS 2021). Their resolutions differ, which is no gene: what is predicted is the logarithm of
  the latency less a line through the logarithm of the resolution, which is fitted to the same
  networks as the predictor. Errors and ranks are of the latencies that follow;
- latencies of NAS-Bench-201 cells on ten devices (HELP), as they are. Cells that compile to
  nothing (below 0.1 ms on two of the devices) are left out.

``speed``: CPU seconds on one thread, beside public packages in turns in one process, on the top-1
above; the least of a few repeats each. Spearman is on networks that were not fitted to. Fitting the
RBF ensemble includes choosing its columns, which scipy's functions are given. "rounds" are what a
search does that refits with 50 networks more each time.

Run: python benchmarks/predictors.py quality|speed
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from common import RESULTS, report
from jobs import Job, results
from predictors_data import GOALS, TARGETS, TOP1, target
from predictors_picture import draw_curves
from predictors_speed import speed

from search.predictors import predictors

SIZES = (50, 100, 200, 400, 700, 1000)
SPLITS, FEW_SPLITS = 20, 5
SLOW = ("auto", "mlp", "stacked", "svr-linear")
SHOWN = ("top1", "ofa v100_b64", "ofa titan_rtx_b1", "cells pixel3")


@dataclass(frozen=True)
class Curve(Job):
    """A predictor's errors against the number of networks it is fitted to.

    Args:
        platform: one of :data:`TARGETS`.
        seed: of the split.
    """

    predictor: str
    sizes: tuple[int, ...]

    def run(self) -> dict[str, Any]:
        data = target(self.platform)
        return {str(size): data.judge(self.predictor, size, self.seed) for size in self.sizes}


def quality(splits: int, sizes: Sequence[int], processes: int) -> None:
    """Curves of every predictor and target, as a table, JSON and a picture."""
    curves: dict[str, dict[str, Any]] = {name: {} for name in TARGETS}
    jobs = {
        (name, kind): [
            Curve(name, seed, kind, tuple(sizes)) for seed in range(_splits(name, kind, splits))
        ]
        for name in TARGETS
        for kind in predictors
    }
    results([job for each in jobs.values() for job in each], processes)
    for (name, kind), each in jobs.items():
        found = [job.result for job in each]
        curves[name][kind] = {
            str(size): _summary([one[str(size)] for one in found]) for size in sizes
        }
    columns = ["target", "predictor", "splits", *(f"Spearman {n}" for n in sizes)]
    columns += [f"MAPE {n}" for n in sizes]
    rows = [
        [
            *(name, kind, len(jobs[name, kind])),
            *(f"{curve[str(n)]['spearman'][0]:.4f}" for n in sizes),
            *(f"{curve[str(n)]['mape'][0]:.2%}" for n in sizes),
        ]
        for name, kinds in curves.items()
        for kind, curve in kinds.items()
    ]
    report("predictors", columns, rows, goals=GOALS, sizes=list(sizes), curves=curves)
    shown = {name: curves[name] for name in SHOWN}
    draw_curves(shown, sizes, RESULTS / "predictors.png")


def _splits(name: str, kind: str, splits: int) -> int:
    """How many splits a predictor is judged on: of top-1 all, of latencies as many as asked for."""
    wanted = SPLITS if name == "top1" else splits
    return min(wanted, FEW_SPLITS) if kind in SLOW else wanted


def _summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard error over splits of every number."""
    summary: dict[str, Any] = {"splits": len(found), "n_test": found[0]["n_test"]}
    for name in ("spearman", "kendall", "mape", "covered", "fit_cpu_s", "predict_cpu_s"):
        values = np.array([one[name] for one in found if one[name] is not None])
        if len(values):
            error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
            summary[name] = [float(values.mean()), float(error)]
    if found[0]["chosen"] is not None:
        names = [one["chosen"] for one in found]
        summary["chosen"] = {name: names.count(name) for name in sorted(set(names))}
    return summary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("quality", "speed"))
    parser.add_argument("--splits", type=int, default=SPLITS, help="of latencies")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    if not TOP1.is_file():
        parser.error(f"{TOP1} does not exist: the reference data is needed")
    if arguments.part == "speed":
        speed()
    else:
        quality(arguments.splits, arguments.sizes, arguments.processes)


if __name__ == "__main__":
    main()
