"""Lookup tables for tests, with times made up from MACs."""

from __future__ import annotations

import numpy as np

from luts import Entry, LookupTable, Measured
from spaces import get_space

CELLS = get_space("nasbench201", resolution=8, classes=4, channels=4, cells=1)
QUICK_PROTOCOL = "table:visits=2,rounds=2,repeats=0"
PROVENANCE = {"device": "cpu", "runtime": "litert", "threads": 1, "precision": "fp32"}
TINY = {
    "resolution": 28,
    "classes": 10,
    "stem_width": 8,
    "stage_widths": [8, 16, 24, 32, 48],
    "stage_strides": [1, 2, 2, 1, 1],
    "head_widths": [192, 192],
}


def made_up_table(*spaces, seed=0, networks=(), name="made-up", leave_out=0):
    """A complete table, or one that lacks the last ``leave_out`` blocks of the last space."""
    spaces = spaces or (get_space("ofa-mbv3"),)
    rng = np.random.default_rng(seed)
    entries = {}
    for space in spaces:
        for block in space.vocabulary:
            wall = float(0.01 + block.macs / 4e6 * rng.lognormal(0, 0.3))
            entries[block.key] = Entry({"wall": wall, "cpu": 0.9 * wall}, 0.02 * wall, 50)
    for block in spaces[-1].vocabulary[::-1][:leave_out]:
        del entries[block.key]
    return LookupTable(name, tuple(spaces), entries, dict(PROVENANCE), networks=tuple(networks))


def made_up_networks(table, n=24, calibration=8, error=0.01, seed=1):
    """Networks whose "measured" latency is a line of the table's sum, with relative errors."""
    space = table.spaces[0]
    rng = np.random.default_rng(seed)
    genes = space.sample(n, rng, "biased")
    sums = table.latency_ms(genes, space)
    times = (1.1 * sums + 0.3) * rng.lognormal(0, error, n)
    return [
        Measured(arch, "calibration" if place < calibration else "audit", {"wall": float(time)})
        for place, (arch, time) in enumerate(zip(space.decode(genes), times, strict=True))
    ]


def audited_table(*spaces, **options):
    """A table with measured networks, so that it has a calibration and bounds."""
    table = made_up_table(*spaces)
    networks = made_up_networks(table, **options)
    return made_up_table(*spaces, networks=networks)
