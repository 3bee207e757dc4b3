"""Whether delivered files are as accurate as torch: every format and precision, at batch 1."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from common import mean_and_error, report, seed_list
from supernet_common import (
    checkpoint,
    demo_space,
    fashion,
    middle_network,
)

from search import DeliveryOptions, DeliveryRequest, deliver
from spaces import Genes, Space
from supernets import read_supernet

ALLOWED = {"fp32": 0.0, "fp16": 0.05, "int8": 0.3}
"""Points of top-1 that files may differ from torch by."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which supernets, and whether files take pixels."""
    parser.add_argument("--seconds", type=float, default=150, help="of the supernets' training")
    parser.add_argument("--seeds", type=seed_list, default=[0, 1, 2])
    parser.add_argument("--uint8-input", action="store_true")


def measure(given: argparse.Namespace) -> None:
    """Deliver three networks of each supernet, compare on 10,000 test images."""
    torch.set_num_threads(1)
    records = [
        {"seed": seed, "network": name, **file}
        for seed in given.seeds
        for name, genes in _networks(demo_space(), given.seconds, seed)
        for file in delivery(given.seconds, seed, genes, given.uint8_input)
    ]
    keys = dict.fromkeys((one["format"], one["precision"], one["network"]) for one in records)
    rows = [_row(key, [one for one in records if _key(one) == key]) for key in keys]
    report(
        "supernet_delivery" + ("_pixels" if given.uint8_input else ""),
        ("format", "precision", "network", "torch", "file", "points", "agree %", "logits Δ", "ok"),
        rows, seeds=given.seeds, seconds=given.seconds, files=records,
    )  # fmt: skip


def _networks(space: Space, seconds: float, seed: int) -> Iterator[tuple[str, Genes]]:
    supernet, _ = read_supernet(checkpoint(seconds, seed))
    yield "smallest", supernet.smallest
    yield "middle", middle_network(space)
    yield "largest", supernet.largest


def delivery(
    seconds: float, seed: int, genes: Genes, uint8_input: bool = False
) -> list[dict[str, Any]]:
    """The files of a network ``(n_genes,)`` at every precision: their accuracy beside torch's."""
    options = DeliveryOptions(
        precisions=tuple(ALLOWED), uint8_input=uint8_input, protocol="quick:rounds=2,runs=1"
    )
    with TemporaryDirectory() as folder:
        given = (checkpoint(seconds, seed), fashion(), (demo_space(), genes), folder)
        made = deliver(DeliveryRequest(*given, options=options))
    expected = made.network.accuracy.top1
    return [
        {
            "format": file.written.format,
            "precision": file.written.precision,
            "torch": expected,
            "top1": file.here.accuracy.top1,
            "points": file.here.accuracy.top1 - expected,
            "agreement": file.here.agreement,
            "max_difference": file.here.max_difference,
        }
        for file in made
    ]


def _key(record: dict[str, Any]) -> tuple[str, str, str]:
    return record["format"], record["precision"], record["network"]


def _row(key: tuple[str, str, str], records: list[dict[str, Any]]) -> list[str]:
    points = [record["points"] for record in records]
    logits = max(record["max_difference"] for record in records)
    ok = abs(np.mean(points)) <= ALLOWED[key[1]] and (key[1] != "fp32" or logits <= 1e-4)
    return [
        *key,
        *(mean_and_error([record[name] for record in records], 2) for name in ("torch", "top1")),
        f"{np.mean(points):+.2f} ({min(points):+.2f} to {max(points):+.2f})",
        f"{min(record['agreement'] for record in records):.2f}",
        f"{logits:.1e}",
        "yes" if ok else "no",
    ]
