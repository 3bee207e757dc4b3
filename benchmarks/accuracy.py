"""How well accuracy models predict published top-1, and how fast.

Data: measured ImageNet top-1 of OFA-MobileNetV3 w1.0 subnets (IntelLabs/DyNAS-T). A fifth of the
distinct networks is held out, in five splits; the model is fitted to the rest, or to fewer of
them for the learning curve, as nassearch fit does, with its cross-validation. "covered" is the
share of the held-out networks within 1.96 standard deviations of their prediction.

Run: python benchmarks/accuracy.py --data FOLDER/ofa_mbv3_w10_top1.csv.gz
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import PUBLISHED, report

from nasprof.threads import one_thread
from search.accuracy import AccuracyModel, read_accuracy_model
from search.accuracy.errors import CannotRank
from search.accuracy.fit import fit_measurements
from search.accuracy.measurements import MeasuredAccuracy, read_measurements
from search.accuracy.ridge import ridge_of
from search.accuracy.validation import score

DATA = PUBLISHED / "dynas-t/ofa_mbv3_w10_top1.csv.gz"
PREDICTOR = PUBLISHED / "ofa-note10/acc_predictor.npz"
SEEDS = 5
SIZES = (50, 100, 200, 400, 800)
GOALS = {"spearman": 0.997, "mae": 0.06, "cpu_s": 2.0}
MANY, REPEATS = 100_000, 3


def split(data: MeasuredAccuracy, seed: int) -> tuple[MeasuredAccuracy, MeasuredAccuracy]:
    """Four fifths of the networks in random order, and the others."""
    order = np.random.default_rng(seed).permutation(len(data))
    held_out = len(order) // 5
    return data.take(order[held_out:]), data.take(order[:held_out])


def judge(data: MeasuredAccuracy, size: int | None, seed: int) -> dict[str, Any]:
    """A fit to ``size`` networks, or all, against those held out."""
    rest, test = split(data, seed)
    began = time.process_time()
    try:
        model = fit_measurements(rest.take(np.arange(len(rest))[:size]), "split", DATA.name)
    except CannotRank as error:
        return {"seed": seed, "refused": error.message}
    found = score(model.top1(test.genes), model.std(test.genes), test.top1)
    return {
        "seed": seed,
        "kernel": model.process.kernel.form,
        "fit_cpu_s": time.process_time() - began,
        "cross_validated_mae": model.provenance["cross_validation"]["mae"],
        **found.to_dict(),
    }


def row(name: str, splits: list[dict[str, Any]]) -> list[Any]:
    """Means over the splits that were not refused; the worst in brackets."""
    fitted = [each for each in splits if "refused" not in each]
    if not fitted:
        return [name, "refused", "", "", "", "", ""]

    def shown(field: str, worst: Callable[[list[float]], float], digits: int) -> str:
        found = [each[field] for each in fitted]
        return f"{np.mean(found):.{digits}f} ({worst(found):.{digits}f})"

    kernels = " ".join(sorted({each["kernel"] for each in fitted}))
    return [
        name,
        shown("spearman", min, 4),
        shown("kendall", min, 4),
        shown("mae", max, 4),
        shown("covered", min, 3),
        f"{np.mean([each['fit_cpu_s'] for each in fitted]):.1f}",
        kernels,
    ]


def cpu_s(function: Callable[[], Any]) -> float:
    """CPU time of a call, the least of a few."""
    function()
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        function()
        times.append(time.process_time() - began)
    return min(times)


def speed(model: AccuracyModel) -> dict[str, Any]:
    """CPU time of top-1 and standard deviation of many networks, and of a hundred."""
    space = model.spaces[-1]
    genes = space.sample(MANY, np.random.default_rng(0))
    few = genes[:100]
    return {
        "model": model.name,
        "kind": model.kind,
        "networks": MANY,
        "top1_cpu_s": cpu_s(lambda: model.top1(genes, space)),
        "std_cpu_s": cpu_s(lambda: model.std(genes, space)),
        "top1_of_100_cpu_ms": cpu_s(lambda: [model.top1(few, space) for _ in range(100)]) * 10,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--predictor", type=Path, default=PREDICTOR, help="OFA's, .npz or .pth")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    arguments = parser.parse_args()
    data = read_measurements(arguments.data)
    with one_thread():
        held_out = [judge(data, None, seed) for seed in range(arguments.seeds)]
        curve = {
            size: [judge(data, size, seed) for seed in range(arguments.seeds)] for size in SIZES
        }
        imagenet = read_accuracy_model("imagenet")
        additive = ridge_of(imagenet, imagenet.spaces[0], np.random.default_rng(0))
        models = [imagenet, additive]
        if arguments.predictor.exists():
            models.append(read_accuracy_model(arguments.predictor))
        speeds = [speed(model) for model in models]
    rows = [row("all (four fifths)", held_out)]
    rows += [row(str(size), splits) for size, splits in curve.items()]
    rows += [[f"{each['model']}: CPU s of {MANY}", *_times(each), "", "", ""] for each in speeds]
    columns = ["networks", "Spearman", "Kendall", "MAE points", "covered", "fit CPU s", "kernel"]
    report(
        "accuracy",
        columns,
        rows,
        goals=GOALS,
        distinct=len(data),
        noise=data.noise,
        held_out=held_out,
        curve={str(size): splits for size, splits in curve.items()},
        additive=dict(additive.provenance),
        speed=speeds,
    )


def _times(found: dict[str, Any]) -> list[str]:
    return [
        f"top-1 {found['top1_cpu_s']:.2f}",
        f"std {found['std_cpu_s']:.2f}",
        f"100: {found['top1_of_100_cpu_ms']:.2f} ms",
    ]


if __name__ == "__main__":
    main()
