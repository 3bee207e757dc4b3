"""Measured networks that predictors are judged on."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from common import PUBLISHED

from luts import agreement
from search.accuracy.measurements import read_measurements
from search.predictors import make_predictor
from spaces import Genes, Space, get_space, parse_arch

TOP1 = PUBLISHED / "dynas-t/ofa_mbv3_w10_top1.csv.gz"
OFA_LATENCIES = PUBLISHED / "help/ofa_mbv3_latency_ms.csv.gz"
CELLS = PUBLISHED / "nats-bench/nb201_test_acc_200ep.csv.gz"
CELL_LATENCIES = PUBLISHED / "help/nb201_latency_ms.csv.gz"

N_TEST, LEAST_MS = 1000, 0.1
GPUS = ("titan_rtx_b1", "titan_rtx_b32", "titan_rtx_b64", "v100_b1", "v100_b32", "v100_b64")
DEVICES = (
    *("pixel3", "pixel2", "samsung_s7", "raspi4", "gold_6226"),
    *("silver_4114", "eyeriss", "fpga", "titan_rtx_b1", "titan_rtx_b256"),
)
TARGETS = ("top1", *(f"ofa {name}" for name in GPUS), *(f"cells {name}" for name in DEVICES))
GOALS = {
    "spearman of top1 with 100": 0.98,
    "ensemble_fit_cpu_s": 0.25,
    "ensemble_predict_10000_cpu_s": 5.0,
    "ridge_fit_cpu_s": 0.005,
}


@dataclass(frozen=True)
class Target:
    """Networks ``(n, n_genes)`` and what was measured of each, ``(n,)``.

    Args:
        resolution: of each in pixels, if they differ.
    """

    space: Space
    genes: Genes
    values: np.ndarray
    resolution: np.ndarray | None = None

    def judge(self, name: str, size: int, seed: int) -> dict[str, Any]:
        """A predictor of so many networks, on others."""
        order = np.random.default_rng(seed).permutation(len(self.values))
        known, others = order[:size], order[size : size + N_TEST]
        trend = self.trend(known)
        targets = self.values if trend is None else np.log(self.values) - trend
        predictor = make_predictor(name, self.space, seed)
        began = process_time()
        predictor.fit(self.genes[known], targets[known])
        fitted = process_time()
        predicted, std = (of(self.genes[others]) for of in (predictor.predict, predictor.std))
        missed = np.abs(predicted - targets[others])
        found = agreement(
            predicted if trend is None else np.exp(predicted + trend[others]), self.values[others]
        )
        return {
            "n_test": len(others),
            "spearman": found.spearman,
            "kendall": found.kendall,
            "mape": found.mape,
            "covered": None if std is None else float((missed <= 1.96 * std).mean()),
            "fit_cpu_s": fitted - began,
            "predict_cpu_s": process_time() - fitted,
            "chosen": getattr(predictor, "chosen", None),
        }

    def trend(self, known: np.ndarray) -> np.ndarray | None:
        """The logarithm of the latency that the resolution alone gives, ``(n,)``."""
        if self.resolution is None:
            return None
        side = np.log(self.resolution)
        return np.polyval(np.polyfit(side[known], np.log(self.values[known]), 1), side)


@lru_cache
def target(name: str) -> Target:
    """What :data:`TARGETS` names."""
    family, _, column = name.partition(" ")
    return {"top1": _top1, "ofa": _gpu, "cells": _cells}[family](column)


def _top1(_: str) -> Target:
    found = read_measurements(TOP1)
    return Target(found.space, found.genes, found.top1)


def _gpu(column: str) -> Target:
    rows = _rows(OFA_LATENCIES)
    digits = [
        {name: [int(each) for each in row[name]] for name in ("ks", "e", "d")} for row in rows
    ]
    space = get_space("ofa-mbv3")
    genes = space.encode([parse_arch(each | {"r": [224]})[1] for each in digits])
    resolution = np.array([float(row["r"]) for row in rows])
    return Target(space, genes, np.array([float(row[column]) for row in rows]), resolution)


def _cells(column: str) -> Target:
    space = get_space("nasbench201")
    latency_ms = np.array([float(row[column]) for row in _rows(CELL_LATENCIES)])
    genes = space.encode([parse_arch(row["arch"])[1] for row in _rows(CELLS)])
    kept = latency_ms >= LEAST_MS
    return Target(space, genes[kept], latency_ms[kept])


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") as stream:
        return list(csv.DictReader(stream))
