"""Excerpts of published data for the tests: some rows of each table, drawn with a fixed seed.

``tests/data/README.md`` says where the whole tables come from and under which licences. They lie
in FOLDER as ``dynas-t/ofa_mbv3_w10_top1.csv.gz``, ``help/ofa_mbv3_latency_ms.csv.gz``,
``nats-bench/nb201_test_acc_200ep.csv.gz`` and ``diffusionnag/meta_train_nb201.csv.gz``.

Run: python scripts/excerpts.py FOLDER
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
from pathlib import Path

import numpy as np

TO = Path(__file__).resolve().parents[1] / "tests/data/published"
TABLES = {
    "dynas-t/ofa_mbv3_w10_top1": (200, ("ks", "e", "d", "r", "params", "macs", "top1")),
    "help/ofa_mbv3_latency_ms": (
        200,
        ("ks", "e", "d", "r", "titan_rtx_b1", "titan_rtx_b64", "v100_b1", "v100_b64"),
    ),
    "nats-bench/nb201_test_acc_200ep": (500, ("arch_idx", "arch", "cifar100")),
    "diffusionnag/meta_train_nb201": (100, ("arch", "flops", "params")),
}
"""How many rows are kept, and which columns."""


def excerpt(source: Path, target: Path, n: int, columns: tuple[str, ...]) -> None:
    """Copy ``n`` rows in their order."""
    with gzip.open(source, "rt", newline="") as stream:
        rows = list(csv.DictReader(stream))
    kept = np.sort(np.random.default_rng(0).choice(len(rows), n, replace=False))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows[row] for row in kept)
    # Without a time, so that the same rows are the same file.
    target.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def main() -> None:
    """Write all of them."""
    folder = Path(sys.argv[1])
    for name, (n, columns) in TABLES.items():
        excerpt(folder / f"{name}.csv.gz", TO / f"{Path(name).name}.csv.gz", n, columns)


if __name__ == "__main__":
    main()
