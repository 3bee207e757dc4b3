"""The platforms that searches are compared on, and the best fronts known there.

Mobile: the lookup table of a Samsung Note10 and the accuracy predictor that OFA published, both
w1.2 at 224. CPU: the shipped tables of ONNX Runtime and LiteRT and the shipped accuracy model,
w1.0 at 224. GPU: latencies of OFA networks on a Titan RTX at batch 64 (HELP, Lee et al., NeurIPS
2021), learned from, with OFA's predictor, w1.2 at 224.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from common import PUBLISHED

from luts import read_cost_model
from luts.formats.base import table_formats
from luts.formats.transfer import import_files
from luts.learned import LearnedCostModel
from luts.training import TrainingSet
from search.accuracy import AccuracyModel, read_accuracy_model
from search.objectives.trade_off import TradeOff
from search.quality.indicators import hypervolume, non_dominated
from search.runs.best_known import best_known_front
from spaces import get_space

KEPT = Path(__file__).resolve().parents[1] / "out/benchmarks"
SEEDS = (0, 1, 2)
EVALUATIONS = 200_000
N_LEARNED = 1000


def note10() -> TradeOff:
    space = get_space("ofa-mbv3", width=1.2, resolution=224)
    path = PUBLISHED / "ofa-note10/lut/224_lookup_table.yaml"
    table, _ = import_files(table_formats.get("ofa")(), "ofa", [path], (space,), "note10", "Note10")
    return TradeOff(space, _ofa(), table)


def cpu(runtime: str) -> TradeOff:
    table = read_cost_model(f"cpu-{runtime}-fp32-ofa-mbv3-w1.0-r224")
    return TradeOff.of(read_accuracy_model("imagenet"), table)


def titan_rtx() -> TradeOff:
    """A model learned from some of the networks, at resolutions of every kind."""
    from learned import read

    device = "titan_rtx_b64"
    data = read(PUBLISHED / "help/ofa_mbv3_latency_ms.csv.gz")
    rows = np.random.default_rng(0).permutation(len(data.archs))[:N_LEARNED]
    measured = data.latency_ms[device][rows].tolist()
    training = TrainingSet.of([data.archs[row] for row in rows], measured)
    model = LearnedCostModel.fit(device, training, {"device": device})
    return TradeOff(get_space("ofa-mbv3", width=1.2, resolution=224), _ofa(), model)


def _ofa() -> AccuracyModel:
    return read_accuracy_model(PUBLISHED / "ofa-note10/acc_predictor.pth")


PLATFORMS: dict[str, Callable[[], TradeOff]] = {
    "note10": note10,
    "cpu-onnxruntime": lambda: cpu("onnxruntime"),
    "cpu-litert": lambda: cpu("litert"),
    "titan_rtx": titan_rtx,
}


@cache
def platform(name: str) -> TradeOff:
    """The trade-off of a platform, made once."""
    return PLATFORMS[name]()


@cache
def best_known(name: str) -> np.ndarray:
    """The best front known: the union over seeds of exact search, NSGA-II and local search.

    Returns:
        Negative top-1 in percent and latency in ms ``(n, 2)``, fastest first. Kept in a file,
        since it takes minutes.
    """
    path = KEPT / f"best-known-{name}.npy"
    if path.exists():
        return np.load(path, allow_pickle=False)
    fronts = [
        best_known_front(platform(name), np.random.default_rng(seed), EVALUATIONS)[1]
        for seed in SEEDS
    ]
    found = front_of(np.concatenate(fronts))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, found, allow_pickle=False)
    return found


def front_of(values: np.ndarray) -> np.ndarray:
    """Those that no other dominates, fastest first."""
    return values[non_dominated(values)]


def share(name: str, values: np.ndarray) -> float:
    """Hypervolume as a share of the best-known front's.

    Dominating the accuracy of the fastest network known and the latency of the slowest on the
    best-known front.
    """
    known = best_known(name)
    reference = np.array([known[:, 0].max(), known[:, 1].max()])
    return hypervolume(values, reference) / hypervolume(known, reference)


def shortfall(name: str, values: np.ndarray, budgets_ms: Sequence[float]) -> np.ndarray:
    """Points below the best known within each budget ``(n,)``; inf where nothing is within."""
    return best_within(best_known(name), budgets_ms) - best_within(values, budgets_ms)


def best_within(values: np.ndarray, budgets_ms: Sequence[float]) -> np.ndarray:
    """The best top-1 within each budget ``(n,)``; -inf where nothing is."""
    return np.array(
        [-values[values[:, 1] <= budget_ms, 0].min(initial=np.inf) for budget_ms in budgets_ms]
    )


def unseen_budgets(name: str, n: int = 20) -> list[float]:
    """Budgets spread over the range, none of them a knot or an end of it.

    Evenly in ms, but for LiteRT, whose slowest networks take 28 times as long as the fastest and
    are no more accurate than those in the middle: there in equal ratios.
    """
    ends = platform(name).extremes
    spread = np.geomspace if name == "cpu-litert" else np.linspace
    return spread(ends.min_ms, ends.max_ms, 2 * n + 2)[1:-1:2].tolist()
