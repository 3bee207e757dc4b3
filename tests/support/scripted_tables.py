"""Tables of a tiny space, built on a device with made-up times."""

from __future__ import annotations

from scripted import ScriptedDevice
from tables import CELLS, QUICK_PROTOCOL

from devices import Backend, RunSettings, Samples
from profiler.measuring.protocol import parse_protocol
from profiler.measuring.status import EMPTY, SENTINEL
from profiler.tables.build import lacking_blocks, measure_table
from profiler.tables.plan import Plan, draw_networks
from profiler.tables.sources import sources

SETTINGS = RunSettings("onnxruntime")
PLAN = Plan((CELLS,), parse_protocol(QUICK_PROTOCOL), calibration=6, audit=8)


def true_costs(space):
    """A made-up cost of each block in ms."""
    return {block.key: 0.1 + 0.01 * number for number, block in enumerate(space.vocabulary)}


def costs_of(plan):
    """Of blocks that several spaces have, the costs in the first."""
    return {key: ms for space in plan.spaces[::-1] for key, ms in true_costs(space).items()}


def device_of(plan, slope=1.1, intercept_ms=0.5, base=None):
    """A device on which networks take a line of the sum of their blocks, exactly."""
    costs = costs_of(plan)
    fit = sources.get(plan.source).networks if lacking_blocks(plan.spaces, base) else 0
    drawn = draw_networks(plan, fit, avoid=[] if base is None else base.networks)
    for name, network in drawn.items():
        slots = network.space.executed_slots(network.genes[None])[0]
        keys = [network.space.vocabulary[slot].key for slot in slots if slot >= 0]
        costs[name] = slope * sum(costs[key] for key in keys) + intercept_ms

    def script(name, number, runs):
        level = {SENTINEL: 2.0, EMPTY: 0.01}.get(name) or costs[name]
        return Samples([level] * runs, [0.9 * level] * runs)

    return ScriptedDevice(script)


def built(plan=PLAN, device=None, settings=SETTINGS, **options):
    """The table of a plan, on a device made for it unless another is given."""
    device = device or device_of(plan)
    return measure_table(Backend(device, settings), plan, "tiny", **options)
