"""Building and auditing tables: with made-up times, and for real on this machine's CPU."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scripted import ScriptedDevice, ScriptedSession
from scripted_tables import PLAN, SETTINGS, built, costs_of, device_of, true_costs
from tables import CELLS as TINY
from tables import QUICK_PROTOCOL as PROTOCOL

from devices import Backend, DeviceLost, RunnerRefused
from luts import LookupTable, MissingEntries, read_cost_model, write_cost_model
from luts.features import block_counts
from luts.fit import covering, fit_costs
from nasprof.errors import NasprofError
from profiler.cli import main as nasprof
from profiler.measuring.interruption import Cancelled, Interrupted
from profiler.measuring.protocol import parse_protocol
from profiler.measuring.status import EMPTY, SENTINEL
from profiler.tables.build import audit_networks, lacking_blocks
from profiler.tables.plan import draw_networks
from profiler.tables.provenance import TableMismatch
from profiler.tables.sources import block_times, sources
from spaces import get_space

TINY_OPTIONS = ("--space", "nasbench201", "--resolution", "8")
TINY_OPTIONS += ("--set", "classes=4", "--set", "channels=4", "--set", "cells=1")


def test_a_table_holds_every_block_and_finds_the_line():
    table = built()
    for key, cost in true_costs(TINY).items():
        assert table.entries[key].latency_ms == pytest.approx({"wall": cost, "cpu": 0.9 * cost})
        assert table.entries[key].count == 4
    assert table.calibration.slope == pytest.approx(1.1)
    assert table.calibration.intercept_ms == pytest.approx(0.5)
    assert table.audit.after.mape == pytest.approx(0, abs=1e-9)
    assert table.audit.after.n == 8
    assert table.audit.before.bias < -0.05
    assert table.on_clock("cpu").calibration.intercept_ms == pytest.approx(0.45)
    provenance = table.provenance
    assert (provenance["device"], provenance["runtime"]) == ("scripted", "onnxruntime")
    assert (provenance["source"], provenance["precision"]) == ("blocks", "fp32")


def test_the_same_seed_draws_the_same_networks_and_no_network_twice():
    names = [json.dumps(network.arch) for network in draw_networks(PLAN, 3).values()]
    again = [json.dumps(network.arch) for network in draw_networks(PLAN, 3).values()]
    other = draw_networks(replace(PLAN, seed=1), 3)
    assert names == again
    assert len(set(names)) == len(names) == 17
    assert names != [json.dumps(network.arch) for network in other.values()]
    roles = [network.role for network in draw_networks(PLAN, 3).values()]
    assert roles == ["fit"] * 3 + ["calibration"] * 6 + ["audit"] * 8


def test_networks_measured_before_are_not_drawn_again():
    first = built().networks
    drawn = draw_networks(PLAN, 0, avoid=first)
    assert not {repr(network.arch) for network in drawn.values()} & {
        repr(network.arch) for network in first
    }


def test_several_spaces_share_equal_blocks_and_take_turns():
    wide = get_space("ofa-mbv3", resolution=224)
    close = get_space("ofa-mbv3", resolution=208)
    shared = {b.key for b in wide.vocabulary} & {b.key for b in close.vocabulary}
    assert shared
    plan = replace(PLAN, spaces=(wide, close))
    assert len(lacking_blocks(plan.spaces, None)) == 2 * 93 - len(shared)
    resolutions = [network.space.resolution for network in draw_networks(plan, 0).values()]
    assert resolutions[:4] == [224, 208, 224, 208]


def test_only_what_is_missing_is_measured():
    whole = built()
    lost = [block.key for block in TINY.vocabulary[3:6]]
    part = replace(whole, entries={k: e for k, e in whole.entries.items() if k not in lost})
    plan = replace(PLAN, calibration=0, audit=0)
    device = device_of(plan)
    completed = built(plan, device, base=part)
    assert set(device.sessions[0].orders[0]) - {SENTINEL, EMPTY} == set(lost)
    assert completed.entries == whole.entries
    assert completed.networks == whole.networks


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"precision": "int8"}, 'precision was "fp32", now "int8"'),
        ({"batch": 2}, "batch was 1, now 2"),
        ({"protocol": parse_protocol("table:visits=3,rounds=2,repeats=0")}, "visits was 2, now 3"),
        ({"source": "networks"}, 'source was "blocks", now "networks"'),
    ],
)
def test_a_table_measured_otherwise_is_not_completed(change, words):
    whole = built()
    part = replace(whole, entries=dict(list(whole.entries.items())[:3]))
    plan = replace(PLAN, **change)
    device = device_of(plan)
    with pytest.raises(TableMismatch, match=words):
        built(plan, device, base=part)
    assert device.sessions == []


def test_a_fit_on_networks_corrects_what_blocks_get_wrong(rng):
    space = get_space("ofa-mbv3")
    true = rng.uniform(0.1, 1.0, len(space.vocabulary))
    genes = space.sample(400, rng, "biased")
    counts = block_counts(space, genes)
    prior = 0.7 * true * rng.uniform(0.6, 1.4, len(true))
    measured = counts @ true

    def error(costs):
        return np.abs(counts[60:] @ costs / measured[60:] - 1).mean()

    scaled = prior * (measured[:60].mean() / (counts[:60] @ prior).mean())
    fitted = fit_costs(prior, counts[:60], measured[:60])
    assert (fitted >= 0).all()
    assert error(fitted) < 0.6 * error(scaled)
    # A strong prior leaves the costs as they are, but for their scale.
    assert fit_costs(prior, counts[:60], measured[:60], 1e6) / scaled == pytest.approx(1, rel=0.1)
    assert fit_costs(true, counts[:60], measured[:60]) == pytest.approx(true)


@pytest.mark.parametrize("space", [TINY, get_space("ofa-mbv3")], ids=["nasbench201", "ofa-mbv3"])
def test_a_few_networks_cover_every_block(space, rng):
    genes = covering(space, rng)
    assert (block_counts(space, genes).sum(0) > 0).all()
    assert len(genes) < 30
    assert block_counts(space, genes).sum(1) == pytest.approx(
        (space.executed_slots(genes) >= 0).sum(1)
    )


def test_the_source_networks_finds_costs_that_blocks_alone_do_not_show():
    plan = replace(PLAN, source="networks")
    table = built(plan)
    assert [network.role for network in table.networks].count("fit") == 20
    # The intercept of the line is spread over the blocks.
    assert sum(e.latency_ms["wall"] for e in table.entries.values()) > 1.1 * sum(
        true_costs(TINY).values()
    )
    assert table.audit.after.mape < 0.02


def test_costs_are_fitted_beside_blocks_whose_costs_are_settled(rng):
    true = rng.uniform(0.1, 1.0, 12)
    counts = rng.integers(0, 3, (40, 12)).astype(float)
    measured = counts @ true
    known = counts[:, 8:] @ true[8:]
    assert fit_costs(true[:8], counts[:, :8], measured, known_ms=known) == pytest.approx(true[:8])
    prior = 0.7 * true[:8] * rng.uniform(0.6, 1.4, 8)
    fitted = fit_costs(prior, counts[:, :8], measured, known_ms=known)
    assert fitted == pytest.approx(true[:8], rel=0.15)
    # Blocks that no network holds are what they were measured to be.
    assert fit_costs(prior, 0 * counts[:, :8], measured, known_ms=measured) == pytest.approx(prior)


def test_the_source_networks_fills_gaps_and_leaves_the_other_entries_as_they_are():
    plan = replace(PLAN, source="networks")
    whole = built(plan, device_of(plan, slope=1.0, intercept_ms=0.0))
    lost = [block.key for block in TINY.vocabulary[3:6]]
    part = replace(whole, entries={k: e for k, e in whole.entries.items() if k not in lost})
    filling = replace(plan, calibration=0, audit=0)
    device = device_of(filling, slope=1.0, intercept_ms=0.0, base=part)
    completed = built(filling, device, base=part)
    assert set(completed.entries) == set(whole.entries)
    for key, entry in part.entries.items():
        assert completed.entries[key] == entry
    for key in lost:
        wanted = {"wall": true_costs(TINY)[key], "cpu": 0.9 * true_costs(TINY)[key]}
        assert completed.entries[key].latency_ms == pytest.approx(wanted, rel=0.01)
    measured = set(device.sessions[0].orders[0]) - {SENTINEL, EMPTY}
    assert {name for name in measured if not name.startswith("network")} == set(lost)


def test_the_source_networks_takes_in_another_resolution():
    small = get_space("nasbench201", resolution=16, classes=4, channels=4, cells=1)
    first = replace(PLAN, source="networks")
    base = built(first, device_of(first, slope=1.0, intercept_ms=0.0))
    plan = replace(first, spaces=(TINY, small))
    table = built(plan, device_of(plan, slope=1.0, intercept_ms=0.0, base=base), base=base)
    assert table.spaces == (TINY, small)
    assert table.missing(TINY) == table.missing(small) == []
    fresh = {block.key for block in small.vocabulary} - set(base.entries)
    assert fresh
    for key in fresh:
        assert table.entries[key].latency_ms["wall"] == pytest.approx(costs_of(plan)[key], rel=0.02)


@pytest.mark.no_cover
@pytest.mark.parametrize("source", list(sources))
def test_nothing_lacking_leaves_a_table_as_it_is(source):
    plan = replace(PLAN, source="networks")
    whole = built(plan)
    whole = replace(whole, provenance={**whole.provenance, "source": source})
    device = device_of(plan)
    assert built(replace(plan, source=source, calibration=0, audit=0), device, base=whole) == whole
    assert device.sessions == []
    # Networks for an audit are measured, and no others.
    bare = replace(whole, networks=())
    plan = replace(plan, source=source)
    audited = built(plan, device_of(plan, base=bare), base=bare)
    assert audited.entries == whole.entries
    assert {network.role for network in audited.networks} == {"calibration", "audit"}


def test_operators_are_put_together_into_blocks():
    network = TINY.network(np.array([4, 4, 1, 0, 3, 2], np.int8))
    told = {"stem.conv": 1.0, "reorder_1": 0.25}
    for layer in network.layers[1:]:
        told[layer.name if layer.name.endswith("sum0") else f"{layer.name}.conv"] = 0.5
    times = block_times(network, told)
    stem = network.layers[0].block.key
    assert times[stem] == 1.25
    assert set(times) == {layer.block.key for layer in network.layers}
    assert all(ms == 0.5 for key, ms in times.items() if key != stem)
    with pytest.raises(RunnerRefused, match="names 1 operators"):
        block_times(network, {"stem.conv": 1.0, "fused_0": 3.0})


class ProfilingSession(ScriptedSession):
    """Tells what each layer takes, or a thousand times that in every tenth profile."""

    def profile(self, name, warmup, runs):
        self.device.profiled.append(name)
        count = len(self.device.profiled)
        if count in self.device.failing:
            raise self.device.failing.pop(count)
        factor = 1000 if count % 10 == 0 else 1
        layers = held_by_covers()[name].layers
        return {layer.name: factor * true_costs(TINY)[layer.block.key] for layer in layers}


class ProfilingDevice(ScriptedDevice):
    def __init__(self, plan, failing=None):
        super().__init__(device_of(plan).script)
        self.failing = failing or {}
        self.profiled = []
        self.looks = 0

    def check(self):
        self.looks += 1
        return super().check()

    def open(self, settings):
        self.sessions.append(ProfilingSession(settings, self.script))
        self.sessions[-1].device = self
        return self.sessions[-1]


def held_by_covers():
    genes = covering(TINY, np.random.default_rng(PLAN.seed))
    return {f"cover{place}": TINY.network(row) for place, row in enumerate(genes)}


BY_OPERATORS = replace(PLAN, source="operators")


def test_entries_of_operators_are_trimmed_means():
    table = built(BY_OPERATORS, ProfilingDevice(BY_OPERATORS))
    assert len(held_by_covers()) == 1
    for key, cost in true_costs(TINY).items():
        assert table.entries[key].latency_ms == pytest.approx({"wall": cost})
        assert table.entries[key].std_ms > 10 * cost
        assert table.entries[key].count == 30


def test_profiles_of_operators_wait_for_a_device_that_is_lost():
    device = ProfilingDevice(BY_OPERATORS, {5: DeviceLost("gone")})
    table = built(BY_OPERATORS, device, patience_s=60)
    assert table.missing() == []
    assert device.looks == 1
    assert len(device.profiled) == 10 * len(held_by_covers()) + 1


@pytest.mark.parametrize(
    ("error", "kind"), [(DeviceLost("gone"), Interrupted), (KeyboardInterrupt(), Cancelled)]
)
def test_profiles_of_operators_are_gone_on_with_after_an_interruption(tmp_path, error, kind):
    journal = tmp_path / "t.json.journal"
    whole = built(BY_OPERATORS, ProfilingDevice(BY_OPERATORS))
    with pytest.raises(kind) as caught:
        built(BY_OPERATORS, ProfilingDevice(BY_OPERATORS, {5: error}), journal=journal)
    assert len(caught.value.measurements) == BY_OPERATORS.calibration + BY_OPERATORS.audit
    device = ProfilingDevice(BY_OPERATORS)
    device.profiled = [""] * 4
    table = built(BY_OPERATORS, device, journal=journal)
    assert device.sessions[0].orders == []
    assert len(device.profiled) == 10 * len(held_by_covers())
    assert table.entries == whole.entries


# For real, on this machine's CPU.


def flat(text):
    return " ".join(text.split())


def invoke(*args):
    return CliRunner().invoke(nasprof, [str(arg) for arg in args])


def build_options(path, *more):
    options = ("--protocol", PROTOCOL, "--audit", 6, "--calibrate", 4, "-o", path)
    return ("build-lut", *TINY_OPTIONS, *options, *more)


@pytest.fixture(scope="module")
def table_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "tiny.json"
    result = invoke(*build_options(path))
    assert result.exit_code == 0, result.output
    return path


@pytest.mark.parametrize("runtime", ["onnxruntime", "litert"])
def test_a_real_table(tmp_path, runtime):
    path = tmp_path / "tiny.json"
    result = invoke(*build_options(path, "--runtime", runtime, "--clock", "cpu", "--json"))
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    table = read_cost_model(path)
    assert isinstance(table, LookupTable)
    assert shown["sha256"] == json.loads(path.read_text())["sha256"]
    assert table.clock == "cpu"
    assert table.missing() == []
    assert table.provenance["runtime"] == runtime
    assert all(entry.latency_ms["cpu"] > 0 for entry in table.entries.values())
    assert "measuring will take about" in result.stderr
    assert not path.with_name("tiny.json.journal").exists()
    ends = table.extremes()
    assert 0 < ends.min_ms < ends.max_ms


def test_operator_profiles_make_a_table_where_the_runtime_has_them(tmp_path):
    path = tmp_path / "tiny.json"
    result = invoke(*build_options(path, "--source", "operators"))
    assert result.exit_code == 0, result.output
    table = read_cost_model(path)
    assert table.missing() == []
    assert {tuple(entry.latency_ms) for entry in table.entries.values()} == {("wall",)}
    assert table.provenance["source"] == "operators"
    path.unlink()
    refused = invoke(*build_options(path, "--source", "operators", "--runtime", "litert"))
    assert refused.exit_code == 1
    assert "gives no operator profiles" in refused.stderr
    assert not path.exists()


def test_a_complete_table_is_left_as_it_is(table_path):
    before = table_path.read_bytes()
    result = invoke(*build_options(table_path))
    assert result.exit_code == 0
    assert "is complete" in result.stderr
    assert "measured otherwise" not in result.stderr
    other = invoke(*build_options(table_path, "--device-set", 'runtime_options={"x": 1}'))
    assert "otherwise: runtime_options.x was null, now 1" in flat(other.stderr)
    assert table_path.read_bytes() == before


def test_another_runtime_does_not_complete_a_table(table_path, tmp_path):
    table = read_cost_model(table_path)
    path = tmp_path / "part.json"
    write_cost_model(replace(table, entries=dict(list(table.entries.items())[:5])), path)
    before = path.read_bytes()
    result = invoke(*build_options(path, "--runtime", "litert"))
    assert result.exit_code == 2
    assert 'runtime was "onnxruntime", now "litert"' in result.stderr
    assert path.read_bytes() == before
    result = invoke(*build_options(path))
    assert result.exit_code == 0, result.output
    assert set(read_cost_model(path).entries) == set(table.entries)


def test_a_damaged_table_is_not_overwritten(table_path, tmp_path):
    path = tmp_path / "damaged.json"
    path.write_bytes(table_path.read_bytes()[:-100])
    before = path.read_bytes()
    result = invoke(*build_options(path))
    assert result.exit_code == 2
    assert "not valid JSON" in result.stderr
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--source", "guesses"), "no source of tables is called 'guesses'"),
        (("--device", "toaster"), "no device is called 'toaster'"),
        (("--protocol", "table:visits=0"), "field 'visits' is 0"),
        (("--runtime", "tensorrt"), "no model format belongs to runtime 'tensorrt'"),
        (("-o", "folder/table.txt"), "is no name for a lookup table"),
        (("--width", "1.0"), "unknown field 'width'"),
    ],
)
def test_bad_usage_is_named(tmp_path, options, words):
    result = invoke(*build_options(tmp_path / "x.json", *options))
    assert result.exit_code == 2
    assert words in result.stderr
    assert list(tmp_path.iterdir()) == []


def wait_for_visits(journal, count, process):
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        lines = journal.read_text().splitlines() if journal.exists() else []
        if sum('"visit"' in line for line in lines) >= count:
            return
        time.sleep(0.01)
    raise AssertionError(f"no {count} visits in {journal}: {process.stderr.read()}")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_build_goes_on_where_it_was(tmp_path, number):
    path = tmp_path / "tiny.json"
    journal = tmp_path / "tiny.json.journal"
    long = ("--protocol", "table:visits=5,rounds=12,repeats=0", "--audit", 4, "--calibrate", 4)
    command = ("build-lut", *TINY_OPTIONS, "-o", path, *long)
    process = subprocess.Popen(
        [sys.executable, "-c", "from profiler.cli import main; main()", *map(str, command)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for_visits(journal, 200, process)
        busy = invoke(*command)
        assert busy.exit_code == 1
        assert "another process is at work" in busy.stderr
        os.kill(process.pid, number)
        process.wait(30)
    finally:
        process.kill()
        process.communicate()
    assert not path.exists()
    kept = [line for line in journal.read_text().splitlines() if '"visit"' in line]
    assert len(kept) >= 200
    changed = invoke(*command, "--threads", 2)
    assert changed.exit_code == 2
    assert "threads was 1, now 2" in changed.stderr
    result = invoke(*command)
    assert result.exit_code == 0, result.output
    assert "Going on with what" in result.stderr
    table = read_cost_model(path)
    assert {entry.count for entry in table.entries.values()} <= set(range(40, 61))
    assert not journal.exists()


def test_fresh_begins_anew(table_path, tmp_path):
    path = tmp_path / "tiny.json"
    path.write_bytes(table_path.read_bytes())
    result = invoke(*build_options(path, "--fresh"))
    assert result.exit_code == 0
    assert path.read_bytes() != table_path.read_bytes()


def test_an_audit_says_whether_the_table_holds(table_path, tmp_path):
    """Small networks take microseconds here, so the table is judged by a scale it cannot miss."""
    table = read_cost_model(table_path)
    slow = {
        key: replace(entry, latency_ms={clock: 3 * ms for clock, ms in entry.latency_ms.items()})
        for key, entry in table.entries.items()
    }
    path = tmp_path / "slow.json"
    # Three times the entries with the same calibration: predictions are off by about as much.
    write_cost_model(replace(table, entries=slow, networks=()), path)
    before = path.read_bytes()
    options = ("--protocol", PROTOCOL, "--audit", 6, "--calibrate", 0, "--json")
    result = invoke("audit", path, *options)
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert "does not hold" in result.stderr
    assert found["holds"] is False and found["updated"] is True
    assert found["stored"]["bias"] > 0.5
    # A table that was never audited keeps the audit; one that was is only changed when told to.
    after = path.read_bytes()
    assert after != before
    again = invoke("audit", path, *options)
    assert json.loads(again.stdout)["updated"] is False
    assert path.read_bytes() == after
    assert read_cost_model(path).doubts


def test_an_audit_of_a_table_with_gaps_is_refused_before_anything_is_measured(table_path, tmp_path):
    table = read_cost_model(table_path)
    path = tmp_path / "part.json"
    write_cost_model(replace(table, entries=dict(list(table.entries.items())[3:])), path)
    before = path.read_bytes()
    device = ScriptedDevice(None)
    with pytest.raises(MissingEntries, match="3 of 19 keys"):
        audit_networks(Backend(device, SETTINGS), PLAN, read_cost_model(path))
    assert device.sessions == []
    result = invoke("audit", path, "--protocol", PROTOCOL)
    assert result.exit_code == MissingEntries.exit_code
    assert "has no entry" in result.stderr
    assert f"Measure only those: nasprof build-lut --space {TINY.name}" in result.stderr
    assert path.read_bytes() == before


def test_an_audit_on_a_clock_that_the_device_does_not_tell_says_so():
    from profiler.api.audit import findings

    table = replace(built(), clock="cpu")
    wall = tuple(replace(n, latency_ms={"wall": n.latency_ms["wall"]}) for n in table.networks)
    with pytest.raises(NasprofError, match="tells no cpu times"):
        findings(table, replace(table, networks=wall), table.provenance)


def test_an_audit_with_update_is_kept(table_path, tmp_path):
    path = tmp_path / "tiny.json"
    path.write_bytes(table_path.read_bytes())
    old = read_cost_model(path)
    options = ("--protocol", PROTOCOL, "--audit", 5, "--calibrate", 5, "--update")
    result = invoke("audit", path, *options)
    assert "newly calibrated" in result.stdout, result.exception
    assert f"kept in {path}" in "".join(result.stdout.split("\n"))
    fresh = read_cost_model(path)
    assert fresh.entries == old.entries
    kept = [network.role for network in old.networks].count("answer")
    roles = ["calibration"] * 5 + ["audit"] * 5 + ["answer"] * kept
    assert [network.role for network in fresh.networks] == roles


def test_an_audit_with_another_runtime_is_not_kept(table_path):
    before = table_path.read_bytes()
    result = invoke("audit", table_path, "--runtime", "litert", "--protocol", PROTOCOL, "--update")
    assert result.exit_code == 2
    assert 'runtime was "onnxruntime", now "litert"' in result.stderr
    assert table_path.read_bytes() == before


def test_an_audit_measures_as_the_table_was_measured_unless_told_otherwise(table_path, tmp_path):
    path = tmp_path / "tiny.json"
    path.write_bytes(table_path.read_bytes())
    result = invoke("audit", path, "--audit", 3, "--calibrate", 0, "--update", "--json")
    assert json.loads(result.stdout)["updated"] is True, result.stderr
    assert not any("protocol" in change for change in json.loads(result.stdout)["changed"])
