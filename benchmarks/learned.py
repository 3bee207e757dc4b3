"""How well a learned cost model ranks networks on GPUs, against an additive model.

Data: latencies of OFA-MobileNetV3 networks on two GPUs at three batch sizes (HELP, Lee et al.,
NeurIPS 2021). Both models are fitted to the same N networks and tested on 1,000 others, less
those of a resolution outside the range of the N (a few of a hundred, at N = 50 only). The additive
one has a ridge coefficient for each position, kernel and expansion, times the square of
the resolution where the device is busy ("r2") or not ("plain"); the better of the two by
Spearman on the test networks is shown, which favours it.

Run: python benchmarks/learned.py --data FOLDER/ofa_mbv3_latency_ms.csv.gz
"""

from __future__ import annotations

import argparse
import csv
import gzip
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import PUBLISHED, report

from luts import agreement
from luts.learned import LearnedCostModel
from luts.training import TrainingSet
from spaces import Arch, parse_arch

DATA = PUBLISHED / "help/ofa_mbv3_latency_ms.csv.gz"
DEVICES = ("titan_rtx_b1", "titan_rtx_b32", "titan_rtx_b64", "v100_b1", "v100_b32", "v100_b64")
SIZES = (50, 300, 1000)
N_TEST = 1000
PENALTIES = np.logspace(-3, 2, 11)


@dataclass(frozen=True)
class Networks:
    """Networks of the data file: ``(n,)`` archs, resolutions, and latencies by device."""

    archs: list[Arch]
    resolution: np.ndarray
    onehot: np.ndarray
    latency_ms: dict[str, np.ndarray]


def read(path: Path) -> Networks:
    """The data file; its width is not stated and taken to be 1.2, as its authors used."""
    with gzip.open(path, "rt") as stream:
        rows = list(csv.DictReader(stream))
    archs, positions = [], []
    for row in rows:
        ks, e, d = ([int(digit) for digit in row[name]] for name in ("ks", "e", "d"))
        given = {"ks": ks, "e": e, "d": d, "r": [int(row["r"])], "wid": 1.2}
        archs.append(parse_arch(given)[1])
        used = np.arange(4) < np.array(d)[:, None]
        pairs = [np.array(ks)[:, None] == (3, 5, 7), np.array(e)[:, None] == (3, 4, 6)]
        joint = pairs[0][:, :, None] & pairs[1][:, None, :]
        positions.append((joint & used.reshape(-1, 1, 1)).ravel())
    return Networks(
        archs,
        np.array([int(row["r"]) for row in rows]),
        np.array(positions, np.float64),
        {name: np.array([float(row[name]) for row in rows]) for name in DEVICES},
    )


def additive(data: Networks, device: str, train: Any, test: Any, *, scaled: bool) -> np.ndarray:
    """Predictions of the additive model in ms, its penalty chosen by leave-one-out."""
    from sklearn.linear_model import RidgeCV

    factor = (data.resolution[:, None] / 224) ** 2 if scaled else np.ones((len(data.archs), 1))
    inputs = np.concatenate([data.onehot, np.ones_like(factor)], 1) * factor
    ridge = RidgeCV(PENALTIES).fit(inputs[train], data.latency_ms[device][train])
    predicted: np.ndarray = np.maximum(ridge.predict(inputs[test]), 1e-3)
    return predicted


def learned(
    data: Networks, device: str, train: Any, test: Any
) -> tuple[LearnedCostModel, np.ndarray]:
    """A learned model and its predictions in ms."""
    measured = data.latency_ms[device]
    training = TrainingSet.of([data.archs[i] for i in train], measured[train].tolist())
    model = LearnedCostModel.fit(device, training, {"device": device})
    predicted = np.empty(len(test))
    for resolution in np.unique(data.resolution[test]):
        rows = np.flatnonzero(data.resolution[test] == resolution)
        archs = [data.archs[test[row]] for row in rows]
        space = parse_arch(archs[0])[0]
        predicted[rows] = model.latency_ms(space.encode(archs), space)
    return model, predicted


def compare(data: Networks, device: str, size: int, seed: int) -> dict[str, Any]:
    """Both models on one split."""
    order = np.random.default_rng(seed).permutation(len(data.archs))
    test, train = order[:N_TEST], order[N_TEST : N_TEST + size]
    seen = data.resolution[train]
    # A learned model refuses resolutions outside those it was fitted to.
    test = test[(data.resolution[test] >= seen.min()) & (data.resolution[test] <= seen.max())]
    measured = data.latency_ms[device][test]
    tables = {
        name: agreement(additive(data, device, train, test, scaled=scaled), measured)
        for name, scaled in (("r2", True), ("plain", False))
    }
    form = max(tables, key=lambda name: tables[name].spearman)
    began = time.process_time()
    model, predicted = learned(data, device, train, test)
    upper_ms = predicted * model.bounds()[0.95].factor
    return {
        "n_test": len(test),
        "additive": tables[form].to_dict(),
        "additive_form": form,
        "learned": agreement(predicted, measured).to_dict(),
        "choice": model.choice.to_dict(),
        "covered_95": float((measured <= upper_ms).mean()),
        "cpu_s": time.process_time() - began,
    }


def row(device: str, size: int, splits: list[dict[str, Any]]) -> list[Any]:
    """Means over splits, ready to print."""

    def mean(*keys: str) -> float:
        values = []
        for split in splits:
            value: Any = split
            for key in keys:
                value = value[key]
            values.append(value)
        return float(np.mean(values))

    choices = {f"{s['choice']['estimator']} {s['choice']['features']}" for s in splits}
    forms = sorted({split["additive_form"] for split in splits})
    return [
        device,
        size,
        f"{mean('additive', 'spearman'):.3f}",
        f"{mean('learned', 'spearman'):.3f}",
        f"{mean('additive', 'mape'):.1%}",
        f"{mean('learned', 'mape'):.1%}",
        f"{mean('covered_95'):.1%}",
        f"{mean('cpu_s'):.1f}",
        "/".join(forms),
        ", ".join(sorted(choices)),
    ]


COLUMNS = (
    "device",
    "N",
    "Spearman additive",
    "Spearman learned",
    "MAPE additive",
    "MAPE learned",
    "95 % bound covers",
    "CPU s",
    "additive form",
    "chosen",
)


def main() -> None:
    """Compare on every device and size, averaged over splits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--seeds", type=int, default=2)
    arguments = parser.parse_args()
    if not arguments.data.is_file():
        parser.error(f"{arguments.data} does not exist: give the file by --data")
    data = read(arguments.data)
    rows, splits = [], {}
    for device in DEVICES:
        for size in SIZES:
            found = [compare(data, device, size, seed) for seed in range(arguments.seeds)]
            splits[f"{device} {size}"] = found
            rows.append(row(device, size, found))
            print(*rows[-1], flush=True)
    report("learned", COLUMNS, rows, seeds=arguments.seeds, splits=splits)


if __name__ == "__main__":
    main()
