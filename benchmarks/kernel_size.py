"""What a lookup table sees that MACs cannot: the size of depthwise kernels.

Networks of equal MACs, some with 3 x 3 kernels only and some with 7 x 7 only, and 30 random ones,
are measured with both runtimes; beside each stands what its MACs and a lookup table say. Draws one
figure. The tables must be of this machine: build them first (nasprof build-lut --runtime ...).

Run on an idle machine: python benchmarks/kernel_size.py (about 6 minutes)
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from common import RESULTS, report

from devices import Backend, RunSettings, find_profile, open_device
from luts import LookupTable, read_cost_model
from luts.agreement import agreement, calibrate
from profiler.commands.progress import progress_bar
from profiler.measuring.measure import measure_files
from profiler.measuring.protocol import Protocol, parse_protocol
from profiler.measuring.request import Listeners, MeasureRequest
from profiler.model_files.formats import format_for
from profiler.model_files.references import reference_files
from profiler.tables.plan import Plan
from profiler.tables.workshop import Workshop
from spaces import Genes
from spaces.mobilenetv3 import MobileNetV3Space

TARGETS = (180e6, 240e6, 300e6, 360e6, 420e6)
RANDOM = 30
NAMES = {"onnxruntime": "ONNX Runtime", "litert": "LiteRT"}
COLOURS = {"3x3": "#4878a8", "7x7": "#c03d3e", "random": "#999999"}


def pairs(space: MobileNetV3Space, rng: np.random.Generator) -> tuple[list[str], Genes]:
    """Networks with 3 x 3 and with 7 x 7 kernels only, at the same MACs, and random ones."""
    kinds, chosen = [], []
    for kind, kernel in (("3x3", 3), ("7x7", 7)):
        genes = space.sample(100_000, rng, "biased")
        depths, sizes, ratios = space.choices(genes)
        same = space.from_choices(depths, np.full_like(sizes, kernel), ratios)
        macs = space.macs(same)
        for target in TARGETS:
            chosen.append(same[np.abs(macs - target).argmin()])
            kinds.append(kind)
    random = space.sample(RANDOM, rng, "biased")
    return kinds + ["random"] * RANDOM, np.concatenate([np.array(chosen), random])


def measured_ms(
    space: MobileNetV3Space, genes: Genes, runtime: str, protocol: Protocol
) -> np.ndarray:
    """CPU time of each network."""
    plan = Plan((space,), protocol)
    with tempfile.TemporaryDirectory() as folder, progress_bar() as progress:
        shop = Workshop(plan, format_for(runtime), Path(folder))
        items = [shop.file(f"n{i}", space.network(row)) for i, row in enumerate(genes)]
        sentinel, empty = reference_files(shop.format, shop.folder)
        request = MeasureRequest(
            Backend(open_device(find_profile("cpu")), RunSettings(runtime)),
            protocol,
            np.random.default_rng(0),
            sentinel,
            empty,
            Listeners(progress),
            scout=True,
        )
        results = measure_files(items, request)
    return np.array([result.cpu_ms.trimmed_mean for result in results if result.cpu_ms])


def table_of(name: str) -> LookupTable:
    table = read_cost_model(name)
    assert isinstance(table, LookupTable)
    return table.on_clock("cpu")


def plot(found: dict[str, dict[str, Any]], path: Path) -> None:
    """Measured latency against MACs and against the table, a row a runtime."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(8.4, 7.2), layout="constrained")
    for row, (runtime, of) in zip(axes, found.items(), strict=True):
        kinds = np.array(of["kinds"])
        measured = np.array(of["measured_ms"])
        for axis, values, label, key in (
            (row[0], np.array(of["macs"]) / 1e6, "million MACs", "macs"),
            (row[1], np.array(of["table_ms"]), "lookup table, ms", "table"),
        ):
            for kind, colour in COLOURS.items():
                chosen = kinds == kind
                name = kind if kind == "random" else f"{kind} kernels only"
                axis.scatter(values[chosen], measured[chosen], s=26, color=colour, label=name)
            axis.set_xlabel(label)
            axis.set_ylabel("measured, ms")
            axis.set_yscale("log")
            _plain_ticks(axis.yaxis)
            axis.spines[["top", "right"]].set_visible(False)
            correlation = of["random"][key]["spearman"]
            axis.set_title(
                f"{NAMES[runtime]}: Spearman {correlation:.3f}",
                fontsize="medium",
                loc="left",
            )
        ends = [measured.min(), measured.max()]
        row[1].set_xscale("log")
        _plain_ticks(row[1].xaxis)
        row[1].plot(ends, ends, color="#666666", linewidth=0.8, zorder=0)
    axes[0, 0].legend(frameon=False)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _plain_ticks(axis: Any) -> None:
    """1, 2, 5, 10, ... in full, instead of powers of ten."""
    from matplotlib.ticker import FixedLocator, NullLocator

    axis.set_major_locator(FixedLocator([5, 10, 20, 50, 100, 200]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for runtime in NAMES:
        default = f"cpu-{runtime}-fp32-ofa-mbv3-w1.0-r224"
        parser.add_argument(f"--{runtime}", default=default, help="its lookup table")
    parser.add_argument("--protocol", default="table:rounds=20")
    options = parser.parse_args()
    space = MobileNetV3Space()
    kinds, genes = pairs(space, np.random.default_rng(7))
    macs = space.macs(genes)
    random = np.array([kind == "random" for kind in kinds])
    rows, found = [], {}
    for runtime in NAMES:
        truth = measured_ms(space, genes, runtime, parse_protocol(options.protocol))
        predicted = table_of(getattr(options, runtime)).latency_ms(genes)
        line = calibrate(macs[random].astype(float), truth[random])
        found[runtime] = {
            "kinds": kinds,
            "macs": macs.tolist(),
            "measured_ms": truth.tolist(),
            "table_ms": predicted.tolist(),
            "random": {
                "macs": agreement(line(macs[random].astype(float)), truth[random]).to_dict(),
                "table": agreement(predicted[random], truth[random]).to_dict(),
            },
        }
        for low, high in zip(
            range(len(TARGETS)), range(len(TARGETS), 2 * len(TARGETS)), strict=True
        ):
            rows.append(
                [
                    runtime,
                    f"{macs[low] / 1e6:.0f} / {macs[high] / 1e6:.0f}",
                    f"{truth[low]:.1f} / {truth[high]:.1f}",
                    f"{predicted[low]:.1f} / {predicted[high]:.1f}",
                    f"{truth[high] / truth[low]:.1f}",
                ]
            )
        for name, of in found[runtime]["random"].items():
            words = f"30 random networks, by {name}: Spearman {of['spearman']:.3f}"
            rows.append(
                [runtime, words, f"Kendall {of['kendall']:.3f}", f"MAPE {of['mape']:.1%}", ""]
            )
    figure = RESULTS / "kernel_size.png"
    RESULTS.mkdir(exist_ok=True)
    plot(found, figure)
    columns = ("runtime", "M MACs 3x3 / 7x7", "measured ms", "table ms", "7x7 : 3x3")
    report("kernel_size", columns, rows, found=found)
    print(f"Drawn to {figure}")


if __name__ == "__main__":
    main()
