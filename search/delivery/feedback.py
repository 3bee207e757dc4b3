"""What a table's calibration learns of networks that were chosen by search and measured."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from luts import LookupTable, Measured, cost_model_shelf, read_cost_model, write_cost_model
from profiler.records import Measurement
from search.delivery.site import Site

LEARNT = 32
"""Networks that a table remembers of those chosen by search."""


def learn(site: Site, measurements: Sequence[Measurement]) -> Path | None:
    """Let a table's calibration learn from networks that were measured; the file if it did.

    Only a table that is the user's own learns, has been audited, and was measured as the networks
    were; of these, those without doubts. They count as calibration and not as audit, for they are
    no random sample. The upper bounds stay what they were: audited networks, which no calibration
    sees, still tell how far a random network may be off (split conformal prediction asks no more),
    and since their ratios are taken to the new line, its scale cancels out of the bounds. A device
    that has become slower is a matter for a new audit.
    """
    path = _own_file(site)
    learnt = [each for each in measurements if each.arch and not each.flags]
    if path is None or not learnt or not all(_alike(each, site) for each in learnt):
        return None
    table = read_cost_model(path)
    if not isinstance(table, LookupTable) or table.audit is None:
        return None
    fresh = [Measured(each.arch or {}, "calibration", each.by_clock) for each in learnt]
    write_cost_model(replace(table, networks=remembered(table.networks, fresh)), path)
    return path


def remembered(
    networks: Sequence[Measured], fresh: Sequence[Measured], limit: int = LEARNT
) -> tuple[Measured, ...]:
    """The networks of a table and those newly learnt, each architecture once.

    Those learnt stand behind the last one audited; of these the newest ``limit`` are kept. What
    was drawn to be audited or fitted on stays as it is.
    """
    others = [place for place, each in enumerate(networks) if each.role != "calibration"]
    drawn = 1 + max(others, default=-1)
    known = {repr(each.arch) for each in networks[:drawn]}
    learnt = {repr(each.arch): each for each in networks[drawn:]}
    for each in fresh:
        learnt.pop(repr(each.arch), None)
        learnt[repr(each.arch)] = each
    new = [each for name, each in learnt.items() if name not in known]
    return (*networks[:drawn], *new[-limit:])


def _own_file(site: Site) -> Path | None:
    """The file of a table that may be changed: the user's, of this device as it is now."""
    table = site.trade_off.cost
    if not isinstance(table, LookupTable) or table.path is None or site.changed:
        return None
    own = table.path.resolve().parent != cost_model_shelf.shipped_folder.resolve()
    # The mode as well: the administrator may write what is meant to be read only.
    writable = os.access(table.path, os.W_OK) and table.path.stat().st_mode & stat.S_IWUSR
    return table.path if own and writable else None


def _alike(measurement: Measurement, site: Site) -> bool:
    """Whether a network was measured as the table was, but for the number of rounds."""
    if site.plan is None:
        return False
    known, version = site.plan.protocol, site.trade_off.cost.provenance.get("runtime_version")
    same = replace(measurement.protocol, rounds_min=known.rounds_min, rounds_max=known.rounds_max)
    return same == known and measurement.runtime_version == version
