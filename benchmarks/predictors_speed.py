"""Predictors beside public packages that do the same; see :mod:`predictors`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import process_time
from typing import Any

import numpy as np
from common import report
from predictors_data import GOALS, Target, target

from luts import agreement
from nasprof.threads import one_thread
from search.predictors import make_predictor
from search.predictors import rbf_ensemble as ensemble
from search.regression.gene_encodings import Columns, Scaling, thermometer
from search.regression.ridge import PENALTIES, RidgeFit
from spaces import Genes


@dataclass
class Match:
    """Ours and a public package's way of doing the same: what is timed, and predictions of it."""

    what: str
    rows: int
    ours: Callable[[], Any]
    package: str
    theirs: Callable[[], Any]
    repeats: int = 3
    ours_s: float = np.inf
    theirs_s: float = np.inf

    def play(self) -> tuple[Any, Any]:
        """Both in turns; what the last turn gave."""
        for _ in range(self.repeats):
            began = process_time()
            mine = self.ours()
            between = process_time()
            others = self.theirs()
            self.ours_s = min(self.ours_s, between - began)
            self.theirs_s = min(self.theirs_s, process_time() - between)
        return mine, others


def speed() -> None:
    """Every match on the same networks."""
    rows = []
    with one_thread():
        for match, true in _matches():
            mine, others = match.play()
            rows.append(
                [
                    *(match.what, match.rows, match.package),
                    *(f"{match.ours_s:.4f}", f"{match.theirs_s:.4f}"),
                    f"{match.theirs_s / match.ours_s:.1f}",
                    *(_ranked(each, true) for each in (mine, others)),
                ]
            )
            print(*rows[-1], sep=" | ", flush=True)
        rounds = {name: _rounds(name) for name in ("gp", "auto", "rbf-ensemble")}
    columns = ["what", "rows", "beside", "ours CPU s", "theirs CPU s", "times faster"]
    columns += ["Spearman ours", "Spearman theirs"]
    report("predictors_speed", columns, rows, goals=GOALS, rounds=rounds)


def _ranked(predicted: Any, true: np.ndarray) -> str:
    """Spearman, if these are predictions of the networks that were measured."""
    if not (isinstance(predicted, np.ndarray) and predicted.shape == true.shape):
        return ""
    return f"{agreement(predicted, true).spearman:.4f}"


def _matches() -> list[tuple[Match, np.ndarray]]:
    data = target("top1")
    order = np.random.default_rng(0).permutation(len(data.values))
    known, more, others = order[:100], order[:400], order[-1000:]
    true = data.values[others]
    many = data.space.sample(10_000, np.random.default_rng(0), "biased")
    matches = [_ridge_match(data, known, others)]
    matches += _ensemble_matches(data, known, others, many)
    matches += [_process_match(data, each, others) for each in (known, more)]
    return [(match, true) for match in matches]


def _ridge_match(data: Target, known: np.ndarray, others: np.ndarray) -> Match:
    from sklearn.linear_model import RidgeCV

    columns = Columns.of(thermometer, data.space, data.genes[known])
    inputs, asked = columns(data.genes[known]), columns(data.genes[others])
    values, scaling = data.values[known], Scaling.of(inputs)

    def theirs() -> np.ndarray:
        return RidgeCV(PENALTIES).fit(scaling(inputs), values).predict(scaling(asked))

    what = f"ridge of {len(PENALTIES)} penalties: fit, predict 1,000"
    return Match(
        what, len(known), lambda: RidgeFit.of(inputs, values)(asked), "scikit-learn", theirs, 20
    )


def _ensemble_matches(
    data: Target, known: np.ndarray, others: np.ndarray, many: Genes
) -> list[Match]:
    from scipy.interpolate import RBFInterpolator

    def fit() -> Any:
        return make_predictor("rbf-ensemble", data.space).fit(data.genes[known], data.values[known])

    ours = fit()
    drawn, columns = ours._functions, ours._columns  # its rows and columns are theirs, too
    inputs, values = columns(data.genes[known]), data.values[known]
    kept: list[Any] = []

    def scipys() -> None:
        kept[:] = [
            RBFInterpolator(
                inputs[np.ix_(rows, own)], values[rows], kernel="cubic", smoothing=0.1, degree=1
            )
            for rows, own in zip(drawn.rows, drawn.columns, strict=True)
        ]

    def scipy_predicts(genes: Genes) -> np.ndarray:
        asked = columns(genes)
        each = [one(asked[:, own]) for one, own in zip(kept, drawn.columns, strict=True)]
        return np.mean(each, 0)

    what = f"RBF ensemble of {ensemble.MODELS}"
    matches = [Match(f"{what}: fit", len(known), fit, "scipy", scipys)]
    for asked in (data.genes[others], many):
        label = f"{what}: predict {len(asked):,}"
        both = partial(ours.predict, asked), partial(scipy_predicts, asked)
        matches.append(Match(label, len(known), both[0], "scipy", both[1], 1))
    return matches


def _process_match(data: Target, known: np.ndarray, others: np.ndarray) -> Match:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    genes, values = data.genes[known], data.values[known]
    columns = Columns.of(thermometer, data.space, genes)
    kernel = ConstantKernel() * RBF(np.sqrt(len(columns.varied))) + WhiteKernel(1e-2)

    def theirs() -> np.ndarray:
        process = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
        return process.fit(columns(genes), values).predict(columns(data.genes[others]))

    def ours() -> np.ndarray:
        return make_predictor("gp", data.space).fit(genes, values).predict(data.genes[others])

    return Match("Gaussian process: fit, predict 1,000", len(known), ours, "scikit-learn", theirs)


def _rounds(name: str) -> list[dict[str, float]]:
    """A fit to 50 networks more each round, and 20,000 predictions in populations of 50."""
    data = target("top1")
    many = data.space.sample(20_000, np.random.default_rng(0), "biased")
    order = np.random.default_rng(0).permutation(len(data.values))
    found = []
    for size in range(50, 351, 50):
        known = order[:size]
        began = process_time()
        predictor = make_predictor(name, data.space).fit(data.genes[known], data.values[known])
        fitted = process_time()
        for start in range(0, len(many), 50):
            predictor.predict(many[start : start + 50])
        ended = process_time()
        found.append({"rows": size, "fit_cpu_s": fitted - began, "predict_cpu_s": ended - fitted})
    return found
