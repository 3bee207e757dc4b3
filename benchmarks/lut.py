"""How good a lookup table of this machine is, by source and by measuring time.

All blocks and 80 random networks are measured in the same rounds: 20 to fit entries on, 10 for the
calibration, 20 audited as the table would, 30 never used for anything but to judge. Tables are
then put together from the first rounds, as if measuring had ended there, and judged by all rounds
of the 30 networks. ``operators`` is measured apart.

Run on an idle machine: python benchmarks/lut.py (about 25 minutes)
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from common import report

from devices import Backend, RunSettings, find_profile, open_device
from luts import Calibration, Entry, LookupTable, Measured, agreement
from luts.agreement import calibrate, upper_bound
from luts.features import block_counts
from luts.fit import fit_costs
from profiler.commands.progress import progress_bar
from profiler.measuring.estimates import trimmed_mean
from profiler.measuring.interruption import Interrupted
from profiler.measuring.measure import measure_files
from profiler.measuring.protocol import parse_protocol
from profiler.measuring.records import Measurement
from profiler.measuring.request import Listeners, MeasureRequest
from profiler.model_files.formats import format_for
from profiler.model_files.references import reference_files
from profiler.tables.plan import Drawn, Plan, draw_networks
from profiler.tables.sources import Materials, OperatorSource
from profiler.tables.workshop import Workshop
from spaces import Space, get_space
from spaces.graph import Network

FIT, CALIBRATION, AUDIT, UNSEEN = 20, 10, 20, 30
COLUMNS = ("runtime", "clock", "source", "rounds", "measuring s", "MAPE of sums", "bias of sums")
COLUMNS += ("MAPE", "Spearman", "Kendall", "worst", "within 95 % bound")


@dataclass
class Campaign:
    """Everything measured with one runtime."""

    space: Space
    plan: Plan
    results: Mapping[str, Measurement]
    networks: Mapping[str, Drawn]

    def ms(self, name: str, clock: str, rounds: int) -> float:
        """Trimmed mean of a model over its first rounds."""
        taken = self.results[name].rounds[:rounds]
        samples = [ms for r in taken for ms in (r.wall_ms if clock == "wall" else r.cpu_ms or [])]
        return trimmed_mean(samples, self.plan.protocol.trim)

    def of(self, names: Sequence[str], clock: str, rounds: int) -> np.ndarray:
        return np.array([self.ms(name, clock, rounds) for name in names])

    def seconds(self, names: Sequence[str], rounds: int) -> float:
        """Time spent running models, warm-up included."""
        protocol = self.plan.protocol
        runs = rounds * protocol.visits * (protocol.warmup + protocol.runs)
        return float(runs * self.of(names, "wall", rounds).sum() / 1e3)


def measured_campaign(runtime: str, space: Space, protocol: str, journal: Path) -> Campaign:
    plan = Plan((space,), parse_protocol(protocol), calibration=CALIBRATION, audit=AUDIT + UNSEEN)
    networks = draw_networks(plan, FIT)
    with tempfile.TemporaryDirectory() as folder, progress_bar() as progress:
        shop = Workshop(plan, format_for(runtime), Path(folder))
        blocks = {block.key: Network.of(block) for block in space.vocabulary}
        items = shop.files(
            blocks | {name: drawn.network for name, drawn in networks.items()},
            {name: drawn.arch for name, drawn in networks.items()},
        )
        sentinel, empty = reference_files(shop.format, shop.folder)
        request = MeasureRequest(
            Backend(open_device(find_profile("cpu")), RunSettings(runtime)),
            plan.protocol,
            np.random.default_rng(0),
            sentinel,
            empty,
            Listeners(progress),
            journal,
            scout=True,
        )
        results = measure_files(items, request)
    return Campaign(space, plan, {result.name: result for result in results}, networks)


def names_of(campaign: Campaign, part: str) -> list[str]:
    """Names of the networks of one part: fit, calibration, audit, unseen."""
    names = list(campaign.networks)
    ends = np.cumsum([0, FIT, CALIBRATION, AUDIT, UNSEEN])
    place = ("fit", "calibration", "audit", "unseen").index(part)
    return names[ends[place] : ends[place + 1]]


def costs_of(campaign: Campaign, source: str, clock: str, rounds: int) -> np.ndarray:
    keys = [block.key for block in campaign.space.vocabulary]
    costs = campaign.of(keys, clock, rounds)
    if source != "networks":
        return costs
    fitted = names_of(campaign, "fit")
    genes = np.stack([campaign.networks[name].genes for name in fitted])
    return fit_costs(costs, block_counts(campaign.space, genes), campaign.of(fitted, clock, rounds))


def judged(
    campaign: Campaign, costs: np.ndarray, clock: str, rounds: int
) -> tuple[dict[str, Any], LookupTable]:
    """A table of these costs, judged by the networks that it has never seen."""
    space = campaign.space
    networks = tuple(
        Measured(drawn.arch, drawn.role, {clock: campaign.ms(name, clock, rounds)})
        for name, drawn in campaign.networks.items()
        if name in names_of(campaign, "calibration") + names_of(campaign, "audit")
    )
    entries = {
        block.key: Entry({clock: float(cost)})
        for block, cost in zip(space.vocabulary, costs, strict=True)
    }
    table = LookupTable("benchmark", (space,), entries, {}, clock, networks)
    unseen = names_of(campaign, "unseen")
    genes = np.stack([campaign.networks[name].genes for name in unseen])
    truth = campaign.of(unseen, clock, 10**6)
    found = agreement(table.latency_ms(genes), truth)
    sums = agreement(replace(table, networks=()).latency_ms(genes), truth)
    within = np.mean(truth <= table.upper_bound_ms(genes, 0.95))
    return {
        **found.to_dict(),
        "sum_mape": sums.mape,
        "sum_bias": sums.bias,
        "within_95": float(within),
        "predicted_ms": table.latency_ms(genes).tolist(),
        "measured_ms": truth.tolist(),
    }, table


def mean_coverage(campaign: Campaign, table: LookupTable, clock: str) -> dict[str, float]:
    """Share of networks within the bounds, over random splits into 20 audited and 30 others."""
    names = names_of(campaign, "audit") + names_of(campaign, "unseen")
    genes = np.stack([campaign.networks[name].genes for name in names])
    ratios = campaign.of(names, clock, 10**6) / table.latency_ms(genes)
    rng = np.random.default_rng(0)
    shares: dict[float, list[float]] = {0.9: [], 0.95: [], 0.99: []}
    for _ in range(1000):
        mixed = rng.permutation(ratios)
        for confidence, found in shares.items():
            bound = upper_bound(mixed[:AUDIT], confidence).factor
            found.append(float(np.mean(mixed[AUDIT:] <= bound)))
    return {str(confidence): float(np.mean(found)) for confidence, found in shares.items()}


def by_macs(campaign: Campaign, clock: str) -> dict[str, Any]:
    """The same judgement of a line through MACs."""
    macs = {
        name: np.array([float(drawn.network.macs)]) for name, drawn in campaign.networks.items()
    }
    known, unseen = names_of(campaign, "calibration"), names_of(campaign, "unseen")
    line: Calibration = calibrate(
        np.concatenate([macs[name] for name in known]), campaign.of(known, clock, 10**6)
    )
    truth = campaign.of(unseen, clock, 10**6)
    return agreement(line(np.concatenate([macs[name] for name in unseen])), truth).to_dict()


def operators(campaign: Campaign, runtime: str) -> tuple[np.ndarray, float]:
    """Costs by the wall clock from the runtime's profile, and the seconds that took."""
    blocks = campaign.space.vocabulary
    with tempfile.TemporaryDirectory() as folder:
        shop = Workshop(campaign.plan, format_for(runtime), Path(folder))
        device = open_device(find_profile("cpu"))
        start = time.perf_counter()
        settings = RunSettings(runtime)
        backend = Backend(device, settings)
        now = backend.conditions()
        made = Materials(backend, shop, blocks, {}, {}, {}, now)
        entries = OperatorSource().entries(made)
        seconds = time.perf_counter() - start
    return np.array([entries[block.key].latency_ms["wall"] for block in blocks]), seconds


def row(runtime: str, clock: str, source: str, rounds: Any, s: Any, found: Any) -> list[str]:
    shares = ("sum_mape", "sum_bias", "mape")
    return [
        runtime,
        clock,
        source,
        str(rounds),
        f"{s:.0f}" if s is not None else "-",
        *(f"{found[key]:.1%}" if key in found else "-" for key in shares),
        f"{found['spearman']:.4f}",
        f"{found['kendall']:.3f}",
        f"{found['worst']:.1%}",
        f"{found['within_95']:.0%}" if "within_95" in found else "-",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runtimes", nargs="+", default=["onnxruntime", "litert"])
    parser.add_argument("--protocol", default="table:rounds=30")
    parser.add_argument("--journals", type=Path, default=Path("out/benchmarks"))
    options = parser.parse_args()
    space = get_space("ofa-mbv3")
    for runtime in options.runtimes:
        rows, found = [], []
        journal = options.journals / f"lut-{runtime}.journal"
        campaign = measured_campaign(runtime, space, options.protocol, journal)
        keys = [block.key for block in space.vocabulary]
        total = campaign.plan.protocol.rounds_min
        settings = [("cpu", rounds) for rounds in (2, 5, 10, 20) if rounds < total]
        for clock, rounds in [*settings, ("cpu", total), ("wall", total)]:
            for source in ("blocks", "networks"):
                costs = costs_of(campaign, source, clock, rounds)
                judgement, table = judged(campaign, costs, clock, rounds)
                if rounds == total:
                    judgement["coverage"] = mean_coverage(campaign, table, clock)
                names = keys + names_of(campaign, "calibration")
                names += names_of(campaign, "fit") if source == "networks" else []
                seconds = campaign.seconds(names, rounds)
                rows.append(row(runtime, clock, source, rounds, seconds, judgement))
                facts = {"runtime": runtime, "clock": clock, "source": source, "rounds": rounds}
                found.append({**facts, "measuring_s": seconds, **judgement})
        try:
            costs, seconds = operators(campaign, runtime)
        except Interrupted as error:
            found.append({"runtime": runtime, "source": "operators", "refused": error.message})
            rows.append([runtime, "wall", "operators", f"refused: {error.message}", *"-" * 8])
        else:
            judgement, _ = judged(campaign, costs, "wall", total)
            rows.append(row(runtime, "wall", "operators", "-", seconds, judgement))
            facts = {"runtime": runtime, "clock": "wall", "source": "operators"}
            found.append({**facts, "measuring_s": seconds, **judgement})
        judgement = by_macs(campaign, "cpu")
        rows.append(row(runtime, "cpu", "a line through MACs", total, None, judgement))
        found.append({"runtime": runtime, "clock": "cpu", "source": "macs", **judgement})
        report(f"lut_{runtime}", COLUMNS, rows, protocol=options.protocol, found=found)
        journal.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
