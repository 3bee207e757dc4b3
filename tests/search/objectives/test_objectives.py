"""Objectives by name: what they say, where it comes from, and what is refused."""

import json
import logging
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import ScriptedDevice, ScriptedSession
from tables import TINY, audited_table, made_up_table
from trade_offs import CELLS, made_up_accuracy

from devices import DeviceError, DeviceLost, Samples, Target
from devices.cpu import CpuDevice
from luts import read_cost_model, write_cost_model
from nasprof.errors import NasprofError, UsageError
from profiler.lowering import FileOptions, lower
from profiler.measuring.records import Measurement
from profiler.measuring.status import EMPTY, SENTINEL
from profiler.tables.own import OwnTable
from search.objectives import Models, UserFunction, additive_extremes, objectives, objectives_of
from search.objectives.computed import PeakMemory
from search.problem import Problem
from spaces import get_space
from spaces.predictor import SpaceMismatch
from spaces.weights import random_weights

MOBILE = get_space("ofa-mbv3", **TINY)
SPACES = {"cells": CELLS, "mobile": MOBILE}
SHIPPED = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"
QUICK = "table:visits=1,rounds=2,repeats=0"
COMPUTED = ("macs", "params", "size_bytes", "size_bytes@fp32", "size_bytes@int8", "peak_memory")
REGISTERED = {
    "latency": ("ms", True),
    "latency_measured": ("ms", False),
    "latency_upper": ("ms", True),
    "macs": ("MACs", True),
    "params": ("parameters", True),
    "peak_memory": ("bytes", True),
    "size_bytes": ("bytes", True),
    "top1": ("%", False),
}
"""Unit of each objective of the registry, and whether its values cost nothing."""
USER = """
def depth(arch):
    return len(arch["cell"])

def broken(arch):
    raise ValueError("no depth")

def nothing(arch):
    return float("nan")

number = 3
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of two spaces, and a device of one's own that is quickly measured on."""
    home = tmp_path_factory.mktemp("home")
    devices = home / "config" / "devices"
    devices.mkdir(parents=True)
    protocols = f'table_protocol = "{QUICK}"\nprotocol = "{QUICK}"\n'
    (devices / "quick.toml").write_text(f'kind = "cpu"\n{protocols}')
    for name, space in SPACES.items():
        made_up_accuracy(space).as_arrays().write(home / f"{name}.npz")
        write_cost_model(audited(name), home / f"{name}.json")
        write_cost_model(audited(name), home / "data" / "luts" / f"{name}-table.json")
    return home


@pytest.fixture(autouse=True)
def folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user is."""
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NASPROF_CONFIG", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


@cache
def audited(name):
    """Made up, as if measured on a phone: the same on any machine."""
    return replace(audited_table(SPACES[name]), provenance={"device": "Some phone"})


@pytest.fixture
def own(folder: Path, request: pytest.FixtureRequest):
    """A module of the user's, whose name no other test has imported."""
    name = "own_" + "".join(each if each.isalnum() else "_" for each in request.node.name)
    (folder / f"{name}.py").write_text(USER)
    return name


def target(device=None, **options):
    return Target(device, **options)


def sources(name="cells", device=None, **options):
    aimed = {key: options.pop(key) for key in ("serial", "threads") if key in options}
    chosen = {"accuracy": f"{name}.npz", "lut": f"{name}.json", **options}
    return Models(target(device, **aimed), **chosen)


def one(name, *more, **options):
    return objectives_of([name], sources(*more, **options))[1][0]


def refused(*names, space_of="cells", **options):
    with pytest.raises(NasprofError) as refusal:
        objectives_of(names, sources(space_of, **options))
    return refusal.value


# --- what they say -----------------------------------------------------------------------------


TWELVE = (
    "top1",
    "top1@cells.npz",
    "latency",
    "latency@cells-table",
    "latency_upper",
    "latency_upper@cells.json",
    "macs",
    "params",
    "size_bytes@fp32",
    "size_bytes@int8",
    "peak_memory",
)


def test_twelve_objectives_at_once(own):
    space, found = objectives_of([*TWELVE, f"depth={own}:depth"], sources())
    assert space == CELLS
    assert [each.name for each in found] == [*TWELVE, "depth"]
    problem = Problem(space, found)
    values = problem.values(space.sample(20, np.random.default_rng(0)))
    assert values.shape == (20, 12)
    assert np.isfinite(values).all()
    assert (values[:, :2] < 0).all()
    assert (values[:, 2:] > 0).all()
    names = {each.name: each for each in found}
    assert [name for name in names if names[name].maximise] == ["top1", "top1@cells.npz"]
    kinds = {name: each.kind for name, each in names.items()}
    assert [name for name in kinds if kinds[name] == "computed"] == list(TWELVE[6:])
    assert [name for name in kinds if kinds[name] == "evaluated"] == ["depth"]


@pytest.mark.parametrize("name", list(objectives))
@pytest.mark.parametrize("space_name", SPACES)
def test_every_objective_of_the_registry(name, space_name):
    device = "quick" if name == "latency_measured" else None
    space, (found,) = objectives_of(
        [name], sources(space_name, device, space=SPACES[space_name], clock=None)
    )
    assert space == SPACES[space_name]
    count = 2 if found.kind == "evaluated" else 9
    genes = space.sample(count, np.random.default_rng(3))
    copy = pickle.loads(pickle.dumps(found))
    values = copy.function(genes)
    assert values.shape == (count,)
    assert values.dtype == np.float64
    assert np.isfinite(values).all()
    assert copy.function(genes[:0]).shape == (0,)
    assert (found.unit, found.free) == REGISTERED[name]
    if found.extremes is not None:
        low, high = found.extremes()
        assert low <= values.min() <= values.max() <= high
    assert (found.device is None) == (found.kind != "evaluated")
    assert (found.facts == {}) == (found.kind == "computed")
    assert json.loads(json.dumps(found.facts)) == found.facts
    if name != "latency_measured":
        assert (found.function(genes) == values).all()


def test_macs_and_parameters_are_those_of_the_space():
    for name, space in SPACES.items():
        genes = space.sample(30, np.random.default_rng(0), "biased")
        _, (macs, params, peak) = objectives_of(
            ["macs", "params", "peak_memory"], sources(name, space=space)
        )
        assert macs.function(genes).tolist() == space.macs(genes).tolist()
        assert params.function(genes).tolist() == space.params(genes).tolist()
        assert peak.function(genes).tolist() == space.peak_memory(genes).tolist()


def test_latencies_are_those_of_their_cost_model(folder):
    table = read_cost_model("cells.json")
    genes = CELLS.sample(30, np.random.default_rng(0))
    names = ["latency", "latency_upper", "latency@cells-table", "latency_upper@cells-table"]
    _, found = objectives_of(names, sources(confidence=0.8))
    plain, upper = table.latency_ms(genes), table.upper_bound_ms(genes, 0.8)
    for each, expected in zip(found, (plain, upper, plain, upper), strict=True):
        assert each.function(genes) == pytest.approx(expected, rel=1e-12)
    assert found[0].facts["model"] == "cells"
    assert found[1].facts["confidence"] == 0.8
    assert len(found[0].facts["probes"]) == 6
    raw = replace(made_up_table(CELLS), provenance={"device": "Some phone"})
    write_cost_model(raw, folder / "raw.json")
    wall, cpu = (one("latency", lut="raw.json", clock=clock) for clock in ("wall", "cpu"))
    assert (wall.facts["clock"], cpu.facts["clock"]) == ("wall", "cpu")
    assert cpu.function(genes) == pytest.approx(0.9 * wall.function(genes))


def test_facts_tell_models_of_one_name_apart(folder):
    first = one("top1")
    made_up_accuracy(CELLS, seed=1).as_arrays().write(folder / "cells.npz")
    second = one("top1")
    assert first.facts["model"] == second.facts["model"]
    assert first.facts != second.facts


# --- extremes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("space_name", SPACES)
def test_extremes_bound_every_architecture_and_are_attained(space_name):
    space = SPACES[space_name]
    genes = space.sample(3000, np.random.default_rng(0), "biased")
    if space_name == "cells":
        ((_, genes),) = space.parts
        assert len(genes) == 15625
    names = [*COMPUTED, "latency", "latency_upper"]
    _, found = objectives_of(names, sources(space_name))
    for each in found:
        if each.extremes is None:
            assert (each.name, space_name) == ("peak_memory", "cells")
            continue
        low, high = pickle.loads(pickle.dumps(each.extremes))()
        values = each.function(genes)
        tolerance = 1e-9 * high
        assert low - tolerance <= values.min() <= values.max() <= high + tolerance, each.name
        assert low < high
        if space_name == "cells":
            assert (low, high) == pytest.approx((values.min(), values.max()), rel=1e-9)


def test_the_range_of_peaks_is_that_of_sampled_networks():
    for facts in ({}, TINY):
        space = get_space("ofa-mbv3", **facts)
        _, (peak,) = objectives_of(["peak_memory"], sources("mobile", space=space))
        genes = space.sample(20_000, np.random.default_rng(0), "biased")
        ends = space.canonical(np.stack([np.zeros(space.n_genes, np.int8), space.n_choices - 1]))
        values = space.peak_memory(np.concatenate([genes, ends]))
        assert peak.extremes() == (values.min(), values.max())


@given(st.integers(0, 2**32))
@settings(max_examples=20)
def test_the_least_peak_is_found_where_one_stage_hides_the_others(seed):
    """Peaks are made up, so that the cheapest choices are not those of the least memory."""
    space = get_space("ofa-mbv3", **TINY)
    peaks = np.random.default_rng(seed).integers(1, 40, len(space.vocabulary))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.objectives.computed.chain_peaks", lambda _: peaks)
        patch.setitem(space.__dict__, "_block_peaks", peaks)
        low, high = PeakMemory("peak_memory").objective(space).extremes()
    padded = np.append(peaks, 0)
    fixed = padded[space.slots(np.zeros((1, space.n_genes), np.int8))[0, :3]].max()
    lows, highs = [fixed], [fixed]
    for stage, (place, values) in enumerate(space.parts):
        genes = np.zeros((len(values), space.n_genes), np.int8)
        genes[:, place] = values
        own = padded[space.slots(genes)[:, 3 + 4 * stage : 7 + 4 * stage]].max(1)
        lows.append(own.min())
        highs.append(own.max())
    assert (low, high) == (max(lows), max(highs))


def test_additive_extremes_are_exact_for_any_sum():
    costs = np.random.default_rng(0).normal(0, 1, len(MOBILE.vocabulary))

    def total(genes):
        return MOBILE.additive(genes, costs)

    low, high = additive_extremes(MOBILE, total)
    genes = MOBILE.sample(5000, np.random.default_rng(1))
    assert low < total(genes).min()
    assert high > total(genes).max()
    # No part of the genes of the best can be bettered on its own.
    assert low == pytest.approx(lowest_by_parts(MOBILE, total))


def lowest_by_parts(space, total):
    base = np.zeros((1, space.n_genes), np.int8)
    lowest = float(total(base)[0])
    for place, values in space.parts:
        genes = np.repeat(base, len(values), 0)
        genes[:, place] = values
        lowest += float((total(genes) - total(base)).min())
    return lowest


# --- sizes of files ----------------------------------------------------------------------------

REAL = {
    "mobile": (get_space("ofa-mbv3"), [[0] * 45, [2] * 45]),
    "cells": (get_space("nasbench201"), [[4, 1, 0, 3, 2, 4], [2] * 6, [0, 0, 0, 1, 0, 0]]),
}


def share_of_file(space, row, precision, format, folder):
    """The objective as a share of the size of a file that is written."""
    genes = space.canonical(np.array([row], np.int8))
    _, (size,) = objectives_of([f"size_bytes@{precision}"], sources(space=space, accuracy="none"))
    network = space.network(genes[0])
    weights = random_weights(network, np.random.default_rng(0))
    written = lower(network, weights, folder / f"model.{format}", format, FileOptions(precision))
    return size.function(genes)[0] / written.size_bytes


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("format", ["onnx", "tflite"])
def test_sizes_at_fp32_are_those_of_files(name, format, folder):
    space, rows = REAL[name]
    for row in rows:
        share = share_of_file(space, row, "fp32", format, folder)
        assert share == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("name", "row", "format", "within"),
    [
        ("mobile", 0, "tflite", (0.99, 1.01)),
        ("mobile", 0, "onnx", (1.0, 1.03)),
        ("cells", 0, "tflite", (0.99, 1.01)),
        ("cells", 1, "tflite", (0.94, 1.0)),
        ("cells", 0, "onnx", (0.9, 1.0)),
        ("cells", 1, "onnx", (0.65, 1.0)),
    ],
)
def test_sizes_at_int8_are_nearly_those_of_files(name, row, format, within, folder):
    pytest.importorskip("ai_edge_quantizer")
    space, rows = REAL[name]
    share = share_of_file(space, rows[row], "int8", format, folder)
    assert within[0] <= share <= within[1]


# --- functions of the user ---------------------------------------------------------------------


def test_a_function_of_ones_own_is_given_architectures_as_json(own):
    genes = CELLS.sample(5, np.random.default_rng(0))
    expected = [float(len(arch["cell"])) for arch in CELLS.decode(genes)]
    _, (low, high, top1) = objectives_of(
        [f"depth={own}:depth", f"max:reach={own}:depth", f"top1@{own}:depth"], sources(space=CELLS)
    )
    for each in (low, high, top1):
        assert each.function(genes).tolist() == expected
        assert (each.kind, each.free, each.device) == ("evaluated", False, None)
        assert each.facts == {"function": f"{own}:depth"}
        assert each.extremes is None
    assert [each.maximise for each in (low, high, top1)] == [False, True, True]
    assert [each.name for each in (low, high)] == ["depth", "reach"]
    assert (low.unit, top1.unit) == ("", "%")


def test_accuracy_may_be_evaluated_by_a_function(own):
    _, (top1, macs) = objectives_of(["top1", "macs"], sources(accuracy=f"{own}:depth", space=CELLS))
    assert (top1.kind, top1.maximise) == ("evaluated", True)
    assert macs.kind == "computed"


def test_a_function_works_in_another_process_that_begins_elsewhere(own, folder, tmp_path_factory):
    found = one(f"depth={own}:depth", space=CELLS)
    (folder / "objective.pickle").write_bytes(pickle.dumps((found, CELLS)))
    code = (
        "import pickle, sys, numpy as np\n"
        "found, space = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(found.function(space.sample(1, np.random.default_rng(0)))[0])"
    )
    command = [sys.executable, "-c", code, folder / "objective.pickle"]
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    done = subprocess.run(command, capture_output=True, text=True, cwd=elsewhere, check=False)
    genes = CELLS.sample(1, np.random.default_rng(0))
    assert done.stdout.strip() == str(found.function(genes)[0]), done.stderr


def test_what_a_function_raises_is_raised_and_nan_is_told(own):
    genes = CELLS.sample(2, np.random.default_rng(0))
    _, (broken, nothing) = objectives_of(
        [f"broken={own}:broken", f"nothing={own}:nothing"], sources(space=CELLS)
    )
    with pytest.raises(ValueError, match="no depth"):
        broken.function(genes)
    assert np.isnan(nothing.function(genes)).all()


def test_functions_that_are_none_are_named_with_near_ones(own, folder):
    missing = refused(f"depth={own}:dept", space=CELLS)
    assert f"expected a function 'dept' in {own!r}; it has none" in missing.message
    assert "Did you mean depth?" in missing.remedy
    assert "it is int, no function" in refused(f"depth={own}:number", space=CELLS).message
    module = refused(f"depth={own}x:depth", space=CELLS)
    assert "ModuleNotFoundError" in module.message
    assert f"Did you mean {own}" in module.remedy
    (folder / f"{own}_broken.py").write_text("1 / 0")
    assert "ZeroDivisionError" in refused(f"depth={own}_broken:depth", space=CELLS).message
    assert refused(f"top1@{own}:dept", space=CELLS).exit_code == 2


@pytest.mark.parametrize("name", ["=a:b", "depth=", "depth=a", "a b=a:b", "min:depth=a:b"])
def test_what_is_no_function_is_refused_with_the_form(name):
    error = refused(name, space=CELLS)
    assert f"objective {name!r} is not understood" in error.message
    assert "[max:]NAME=module:function" in error.remedy


def test_ones_own_objective_takes_no_name_of_another(own):
    assert "another objective is called" in refused(f"macs={own}:depth", space=CELLS).message


def test_a_reference_is_told_from_names_and_files():
    for name in ("imagenet", "model.npz", "folder/table.csv", "a:b:c", "a:", ":b", "1a:b"):
        assert UserFunction.of(name) is None


# --- names -------------------------------------------------------------------------------------


def test_unknown_names_are_told_near_ones_and_all():
    error = refused("latenc")
    assert error.exit_code == 2
    assert error.message == "no objective is called 'latenc'"
    assert "Did you mean latency" in error.remedy
    for form in ("top1[@", "latency_upper[@", "macs", "size_bytes@fp32|int8", "NAME=module:"):
        assert form in error.remedy
    assert "no objective is named" in refused().message


@pytest.mark.parametrize(
    ("name", "message", "remedy"),
    [
        ("latency@cells-tabel", "neither a cost model nor a device", "Did you mean cells-table"),
        ("latency_upper@pixle", "neither a cost model nor a device", "pixel"),
        ("latency_measured@pixle", "no device is called 'pixle'", "Did you mean pixel?"),
        ("latency_measured@cpu/7", "knows no option 'serial'", None),
        ("latency@cpu/7", "knows no option 'serial'", None),
        ("size_bytes@int4", "not known at 'int4'", "Did you mean int8?"),
        ("macs@cpu", "depends on the network alone", "Ask for macs"),
        ("top1@imagenot", "is called 'imagenot'", "imagenet"),
        ("latency@gone.json", "gone.json", None),
    ],
)
def test_what_stands_behind_the_at_sign_is_checked(name, message, remedy):
    error = refused(name, space=CELLS)
    assert isinstance(error, UsageError)
    assert message in error.message
    assert remedy is None or remedy in error.remedy


def test_an_objective_stands_once():
    assert "objective 'macs' is there twice" in refused("macs", "params", "macs").message
    assert len(objectives_of(["latency", "latency@cells-table"], sources())[1]) == 2


def test_a_table_that_was_never_audited_has_no_upper_bounds(folder):
    write_cost_model(made_up_table(CELLS), folder / "raw.json")
    error = refused("latency_upper", lut="raw.json")
    assert "objective 'latency_upper': 'raw' was never compared" in error.message
    assert error.remedy == "Run: nasprof audit raw"


def test_precision_is_said_by_the_table():
    assert "says the precision itself" in refused("latency", precision="int8").message


# --- spaces ------------------------------------------------------------------------------------


def test_the_space_is_the_only_one_all_models_know(folder):
    both = replace(made_up_table(CELLS, MOBILE), provenance={"device": "Some phone"})
    write_cost_model(both, folder / "both.json")
    assert objectives_of(["latency@both.json", "top1"], sources())[0] == CELLS
    assert objectives_of(["latency@both.json", "top1"], sources("mobile"))[0] == MOBILE
    several = refused("latency@both.json", "macs")
    assert "several spaces in common" in several.message
    assert "--resolution" in several.remedy
    assert objectives_of(["latency@both.json"], sources(resolution=28))[0] == MOBILE
    assert objectives_of(["latency@both.json"], sources(space=CELLS))[0] == CELLS


def test_the_model_that_does_not_fit_is_named():
    error = refused("macs", "top1", "latency", "latency@mobile.json")
    assert isinstance(error, SpaceMismatch)
    assert f"objective 'latency@mobile.json' is of {MOBILE.label}" in error.message
    assert f"objective 'top1', objective 'latency' of {CELLS.label}" in error.message
    asked = refused("top1", space=MOBILE)
    assert f"the space asked for of {MOBILE.label}" in asked.message
    assert "not of resolution 64" in refused("top1", resolution=64, space_of="mobile").message


def test_nothing_that_tells_the_space_asks_for_one(own):
    error = refused("macs", f"depth={own}:depth")
    assert "no objective tells which space" in error.message
    assert "ofa-mbv3" in error.remedy
    assert objectives_of(["macs"], sources(space=MOBILE))[0] == MOBILE


# --- devices -----------------------------------------------------------------------------------


def test_measured_latencies_are_of_the_device_and_measured_together(monkeypatch):
    asked = []
    opened = CpuDevice.open
    monkeypatch.setattr(
        CpuDevice, "open", lambda self, settings: asked.append(settings) or opened(self, settings)
    )
    # By CPU time, which no other work on the machine can turn round.
    wanted = sources("mobile", space=MOBILE, clock="cpu")
    space, (found,) = objectives_of(["latency_measured@quick"], wanted)
    assert (found.kind, found.device, found.free, found.unit) == ("evaluated", "quick", False, "ms")
    assert found.facts["device"] == "quick"
    assert found.facts["runtime"] == "onnxruntime"
    assert found.facts["protocol"]["visits"] == 1
    assert found.facts["device_fingerprint"]["kind"] == "cpu"
    ends = space.canonical(np.stack([np.zeros(space.n_genes, np.int8), space.n_choices - 1]))
    fast, slow = found.function(ends)
    assert 0 < fast < slow
    # Together, and again where one is in doubt.
    assert 1 <= len(asked) <= 3


def scripted(monkeypatch, contended, clock="wall"):
    """An objective measured on a device of made-up times, and what each opening measures.

    In the nth opening the models named in ``contended[n]`` are disturbed and take 100 ms, others
    as many ms as their number.
    """
    found = one("latency_measured@quick", space=CELLS, clock=clock)
    opened = []

    def script(name, number, runs):
        if number == 0 and name not in (SENTINEL, EMPTY) and name not in opened[-1]:
            opened[-1].append(name)
        bad = name in contended[len(opened) - 1]
        level = 100.0 if bad else {SENTINEL: 5.0, EMPTY: 0.01}.get(name) or 1.0 + int(name[-1])
        return Samples([level] * runs, [level] * runs, ["contended"] * bad)

    class Counting(ScriptedDevice):
        def open(self, settings):
            opened.append([])
            return super().open(settings)

    monkeypatch.setattr(CpuDevice, "open", lambda _, settings: Counting(script).open(settings))
    return found.function, opened


@pytest.mark.parametrize(
    ("contended", "expected"),
    [
        ([set()], [1, 2, 3]),
        ([{"network1"}, set()], [1, 2, 3]),
        ([{"network0", "network2"}, {"network2"}, set()], [1, 2, 3]),
        ([{"network0", "network2"}, {"network2"}, {"network2"}], [1, 2, 100]),
    ],
)
def test_what_is_in_doubt_is_measured_again_up_to_twice(monkeypatch, caplog, contended, expected):
    function, opened = scripted(monkeypatch, contended)
    assert function(CELLS.sample(3, np.random.default_rng(0))).tolist() == expected
    every = {"network0", "network1", "network2"}
    assert [set(names) for names in opened] == [every, *contended[:2]][: len(contended)]
    said = caplog.text
    still = "measured 3 times on 'quick', and is still in doubt (contended): the last"
    assert said.count(still) == (100 in expected)
    assert bool(said) == (100 in expected)


def test_other_work_is_no_doubt_by_the_cpu_clock(monkeypatch, caplog):
    function, opened = scripted(monkeypatch, [{"network0"}], clock="cpu")
    assert function(CELLS.sample(2, np.random.default_rng(0))).tolist() == [100.0, 2.0]
    assert len(opened) == 1
    assert caplog.text == ""


def test_measuring_one_network_visits_it_no_more_than_its_protocol_says(monkeypatch):
    """Nor is what is measured beside it lowered anew."""
    protocol = one("latency_measured@quick", space=CELLS).facts["protocol"]
    function, _ = scripted(monkeypatch, [set()] * 3)
    visits = []
    run_round = ScriptedSession.run_round

    def counting(self, order, warmup, runs, arrived=None):
        visits.extend(order)
        return run_round(self, order, warmup, runs, arrived)

    monkeypatch.setattr(ScriptedSession, "run_round", counting)
    first, *others = CELLS.sample(3, np.random.default_rng(0))
    assert function(first[None]).tolist() == [1.0]
    monkeypatch.delattr("profiler.model_files.references.lower")
    for row in others:
        assert function(row[None]).tolist() == [1.0]
    assert protocol["rounds_min"] == protocol["rounds_max"]
    assert visits.count("network0") == 3 * protocol["rounds_min"] * protocol["visits"]


def test_a_device_that_vanishes_raises_as_is(monkeypatch):
    found = one("latency_measured@quick", space=CELLS)
    opened = CpuDevice.open
    visits = []

    def open_and_lose(self, settings):
        session = opened(self, settings)
        run_round = session.run_round

        def lost(*args, **options):
            visits.append(args)
            if len(visits) > 1:
                raise DeviceLost("the device has gone")
            return run_round(*args, **options)

        session.run_round = lost
        return session

    monkeypatch.setattr(CpuDevice, "open", open_and_lose)
    with pytest.raises(DeviceLost, match="the device has gone"):
        found.function(CELLS.sample(2, np.random.default_rng(0)))
    monkeypatch.setattr(CpuDevice, "open", lambda *_: (_ for _ in ()).throw(DeviceError("off")))
    with pytest.raises(DeviceError, match="off"):
        found.function(CELLS.sample(2, np.random.default_rng(0)))


def test_a_clock_that_the_device_has_not_is_told(monkeypatch):
    cpu = one("latency_measured@quick", space=CELLS, clock="cpu")
    assert cpu.facts["clock"] == "cpu"
    monkeypatch.setattr(Measurement, "by_clock", {"wall": 1.0})
    with pytest.raises(NasprofError, match="tells no cpu times of onnxruntime"):
        cpu.function(CELLS.sample(1, np.random.default_rng(0)))


def test_several_phones_are_places_of_their_own():
    names = [f"latency_measured@{place}" for place in ("pixel/A1", "pixel/192.0.2.1:5555", "pixel")]
    _, found = objectives_of(names, sources(space=CELLS, serial="C3"))
    assert [each.device for each in found] == ["pixel/A1", "pixel/192.0.2.1:5555", "pixel/C3"]
    assert [each.facts["serial"] for each in found] == ["A1", "192.0.2.1:5555", "C3"]
    assert len({json.dumps(each.facts) for each in found}) == 3


def test_what_is_said_of_running_models_holds_for_the_devices_it_is_said_of():
    names = ["latency_measured@pixel", "latency_measured@quick"]
    _, found = objectives_of(names, sources(space=CELLS, threads=2))
    assert [each.facts["threads"] for each in found] == [2, 2]
    _, found = objectives_of(names, sources(space=CELLS, device="quick", threads=2))
    assert [each.facts["threads"] for each in found] == [1, 2]


def test_ones_own_table_of_a_phone_is_looked_up_by_its_serial(folder):
    for name in ("pixel/A1", "pixel"):
        error = refused(f"latency@{name}", space=CELLS)
        assert error.exit_code == 1
        assert "nasprof build-lut --space nasbench201" in error.remedy
    first = refused("latency@pixel/A1", space=CELLS)
    assert "no lookup table of 'pixel/A1'" in first.message
    assert "--serial A1 -o pixel-A1-" in first.remedy
    name = first.remedy.rpartition(" ")[2].strip("'")
    table = replace(audited("cells"), provenance={"device": "pixel"})
    write_cost_model(table, folder / "data" / "luts" / f"{name}.json")
    found = one("latency_upper@pixel/A1", space=CELLS)
    assert found.facts["model"] == name
    refused("latency@pixel/B2", space=CELLS)


def test_a_table_of_this_machine_is_built_first_once_and_kept(folder, caplog):
    caplog.set_level(logging.INFO, logger="nasprof")
    names = ["latency@quick", "latency_upper@quick"]
    _, (plain, upper) = objectives_of(names, sources(space=CELLS))
    assert caplog.text.count("Measuring the blocks") == 1
    assert caplog.text.count("Table written") == 1
    caplog.clear()
    genes = CELLS.sample(3, np.random.default_rng(0))
    assert (plain.function(genes) < upper.function(genes)).all()
    _, (again,) = objectives_of(["latency"], sources(device="quick", lut=None, space=CELLS))
    assert "Measuring" not in caplog.text
    assert again.function(genes).tolist() == plain.function(genes).tolist()


def test_a_table_that_another_process_builds_is_refused_with_what_to_do(folder):
    """A real process that is killed: its hold on the table ends with it."""
    path = OwnTable(target("quick"), CELLS).path
    holding = (
        "import sys; from pathlib import Path; from profiler.measuring.journal import Journal;"
        "held = Journal(Path(sys.argv[1]), {}); print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", holding, f"{path}.journal"]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"held\n"
        error = refused("latency@quick", space=CELLS)
    finally:
        other.kill()
        other.communicate()
    assert f"another process is at work on {path}.journal" in error.message
    assert "Wait for it to end" in error.remedy
    path.with_name(f"{path.name}.journal").unlink()
    assert one("latency@quick", space=CELLS).function(CELLS.sample(1, np.random.default_rng(0))) > 0


def test_doubts_and_changes_are_said_once(folder, caplog):
    fingerprint = {**target().resolve().device.fingerprint(), "cpu": "another"}
    facts = {"device": "cpu", "device_fingerprint": fingerprint, "runtime": "onnxruntime"}
    write_cost_model(replace(made_up_table(CELLS), provenance=facts), folder / "raw.json")
    objectives_of(["latency@raw.json", "latency", "macs"], sources(lut="raw.json"))
    said = caplog.text
    assert said.count("never compared with whole networks") == 1
    assert said.count('cpu was "another"') == 1
