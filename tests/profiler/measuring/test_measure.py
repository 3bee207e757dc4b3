"""Protocols, schedule, records, and whole measurements: scripted ones and real ones."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measuring import measure
from pomonag_protocol import pomonag_mean
from scripted import ScriptedDevice, steady

from devices import DeviceLost, RunSettings, open_device
from devices.profile_files import find_profile
from nasprof.errors import UsageError
from profiler.lowering import lower
from profiler.measuring.interruption import Cancelled, Interrupted
from profiler.measuring.protocol import Protocol, parse_protocol, protocols
from profiler.measuring.records import Measurement, Round
from profiler.measuring.schedule import (
    ENOUGH_ROUNDS,
    WIDEST,
    doubts,
    drifted,
    judge,
    selected,
    summarise,
)
from profiler.measuring.status import EMPTY, SENTINEL
from profiler.model_files.model_file import ModelFile
from profiler.model_files.references import empty_network, sentinel_network
from spaces import get_space
from spaces.graph import Network
from spaces.weights import random_weights


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name in ("a", "bb", "ccc", "sentinel", "empty"):
        (tmp_path / f"{name}.onnx").write_bytes(name.encode())
    return tmp_path


FIVE = "fixed:warmup=5,runs=50,rounds=5"
LONG = "adaptive:warmup=5,runs=50,rounds_min=5,rounds_max=30,repeats=10"


def run(device, files, names=("a", "bb", "ccc"), protocol=LONG, seed=0, **options):
    items = [ModelFile(name, files / f"{name}.onnx", extra={"precision": "fp32"}) for name in names]
    return measure(
        device,
        RunSettings("onnxruntime"),
        items,
        parse_protocol(protocol) if isinstance(protocol, str) else protocol,
        np.random.default_rng(seed),
        sentinel=files / "sentinel.onnx",
        empty=files / "empty.onnx",
        **options,
    )


def test_steady_models_converge_at_the_least_number_of_rounds(files):
    device = ScriptedDevice(steady)
    results = run(device, files)
    assert [result.name for result in results] == ["a", "bb", "ccc"]
    for result, level in zip(results, (2.0, 3.0, 4.0), strict=True):
        assert result.stopped == "converged"
        assert result.flags == []
        assert len(result.rounds) == parse_protocol(LONG).rounds_min
        assert result.latency_ms.trimmed_mean == pytest.approx(level, rel=0.002)
        assert result.cpu_ms.trimmed_mean == pytest.approx(0.99 * level, rel=0.002)
        assert result.multiples["wall"] == pytest.approx(level / 2, rel=0.002)
        assert result.multiples["cpu"] == pytest.approx(level / 2, rel=0.002)
        assert result.sentinel["latency_ms"]["cpu"] == pytest.approx(0.99 * 2, rel=0.002)
        assert (
            result.sentinel["sha256"]
            == hashlib.sha256((files / "sentinel.onnx").read_bytes()).hexdigest()
        )
        assert result.overhead_ms == pytest.approx(0.01, rel=0.01)
        assert result.latency_ms.relative_half_width <= 0.01
        assert len(result.samples_ms) == 5 * 50
        assert result.model["sha256"]
        assert result.precision == "fp32"
    assert device.sessions[0].closed


def test_unsteady_models_go_on_alone_to_the_limit(files):
    def script(name, number, runs):
        samples = steady(name, number, runs)
        if name == "bb":
            factor = 1 + 0.2 * (number % 2)
            samples.wall_ms = [factor * value for value in samples.wall_ms]
        return samples

    device = ScriptedDevice(script)
    a, bb, _ = run(device, files, protocol=f"{LONG},rounds_max=8")
    assert (a.stopped, bb.stopped) == ("converged", "limit")
    assert len(bb.rounds) == 8
    assert sorted(device.sessions[0].orders[-1]) == sorted(["bb", SENTINEL, EMPTY])


def test_models_take_turns_in_an_order_that_the_seed_decides(files):
    def orders(seed):
        device = ScriptedDevice(steady)
        run(device, files, seed=seed)
        return device.sessions[0].orders

    first = orders(0)
    assert first == orders(0)
    assert first != orders(1)
    assert len({tuple(order) for order in first}) > 1
    assert all(sorted(order) == sorted(first[0]) for order in first)


def test_rounds_in_which_the_sentinel_drifts_are_repeated_and_not_counted(files):
    def script(name, number, runs):
        samples = steady(name, number, runs)
        if number in (1, 3):
            samples.wall_ms = [1.1 * value for value in samples.wall_ms]
        return samples

    (result,) = run(ScriptedDevice(script), files, names=("a",), protocol=FIVE)
    assert len(result.rounds) == 5 + 2
    assert [taken.index for taken in result.rounds if "drift" in taken.flags] == [1, 3]
    assert [taken.index for taken in result.rounds if not taken.counted] == [1, 3]
    assert result.latency_ms.trimmed_mean == pytest.approx(2.0, rel=0.002)
    assert result.flags == []
    assert sum(len(taken.wall_ms) for taken in result.rounds) == 7 * 50
    assert len(result.samples_ms) == 5 * 50


@pytest.mark.parametrize("flag", ["contended", "throttled"])
def test_disturbance_that_persists_is_counted_and_flagged(files, flag):
    def script(name, number, runs):
        samples = steady(name, number, runs)
        samples.flags = [flag]
        return samples

    (result,) = run(ScriptedDevice(script), files, names=("a",), protocol=f"{FIVE},repeats=3")
    assert result.flags == [flag]
    assert result.stopped == "limit"
    assert len(result.samples_ms) == len(result.rounds) * 50
    assert 5 <= len(result.rounds) <= 5 + 3


def test_without_sentinel_and_empty_model_nothing_is_said_of_them(files):
    device = ScriptedDevice(steady)
    item = ModelFile("a", files / "a.onnx")
    (result,) = measure(
        device,
        RunSettings("onnxruntime"),
        [item],
        protocols.get("quick"),
        np.random.default_rng(0),
    )
    assert (result.sentinel, result.multiples) == (None, {})
    assert result.overhead_ms is None
    assert device.sessions[0].orders == [["a"]] * protocols.get("quick").rounds_max


def test_a_protocol_without_sentinel_does_not_run_it(files):
    device = ScriptedDevice(steady)
    run(device, files, names=("a",), protocol=f"{FIVE},sentinel=off")
    assert all(SENTINEL not in order for order in device.sessions[0].orders)


def test_pomonags_protocol_takes_100_runs_at_once(files):
    (result,) = run(ScriptedDevice(steady), files, names=("a",), protocol="pomonag")
    assert len(result.samples_ms) == 100
    assert result.latency_ms.trimmed_mean == pytest.approx(pomonag_mean(result.samples_ms))


def test_a_device_without_cpu_clock_gives_no_cpu_times(files):
    def script(name, number, runs):
        return replace(steady(name, number, runs), cpu_ms=None)

    (result,) = run(ScriptedDevice(script), files, names=("a",))
    assert result.cpu_ms is None
    assert result.rounds[0].cpu_ms is None


def test_progress_and_journal_hear_of_everything(files):
    heard, kept = [], []
    results = run(ScriptedDevice(steady), files, progress=heard.append, completed=kept.append)
    assert [status.rounds for status in heard] == [1, 2, 3, 4, 5]
    assert all(status.total == 3 for status in heard)
    assert heard[0].remaining_s > 0
    assert heard[-1].complete == 3
    assert heard[-1].remaining_s == 0
    assert sorted(kept, key=lambda result: result.name) == results


def test_a_device_that_is_lost_leaves_what_was_measured(files):
    def script(name, number, runs):
        if number == 2 and name == "bb":
            raise DeviceLost("the cable came off", "Plug it in.", {"a": steady("a", number, runs)})
        return steady(name, number, runs)

    with pytest.raises(Interrupted, match="the cable came off") as caught:
        run(ScriptedDevice(script), files, names=("a", "bb"))
    error = caught.value
    assert isinstance(error.cause, DeviceLost)
    assert error.remedy == "Plug it in."
    assert error.exit_code == 1
    a, bb = error.measurements
    assert (len(a.rounds), len(bb.rounds)) == (3, 2)
    assert a.rounds[-1].flags == ["incomplete"]
    for result in (a, bb):
        assert "incomplete" in result.flags
        assert result.stopped == "interrupted"
        assert Measurement.from_dict(_through_json(result)) == result


def test_ctrl_c_leaves_what_was_measured(files):
    def script(name, number, runs):
        if number == 1:
            raise KeyboardInterrupt
        return steady(name, number, runs)

    device = ScriptedDevice(script)
    with pytest.raises(Cancelled) as caught:
        run(device, files, names=("a",))
    assert caught.value.exit_code == 1
    (partial,) = caught.value.measurements
    assert len(partial.samples_ms) == 50
    assert device.sessions[0].closed


def test_ctrl_c_keeps_the_models_that_were_timed_in_its_round(files):
    def script(name, number, runs):
        if name == "bb":
            raise KeyboardInterrupt
        return steady(name, number, runs)

    with pytest.raises(Cancelled) as caught:
        run(
            ScriptedDevice(script),
            files,
            names=("a", "bb"),
            protocol=f"{FIVE},sentinel=off",
            seed=2,
        )
    (partial,) = caught.value.measurements
    assert partial.name == "a"
    assert len(partial.samples_ms) == 50
    assert partial.rounds[0].flags == ["incomplete"]


def test_an_interruption_before_the_first_round_leaves_nothing(files):
    def script(name, number, runs):
        raise DeviceLost("gone")

    with pytest.raises(Interrupted) as caught:
        run(ScriptedDevice(script), files)
    assert caught.value.measurements == []


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([], "at least one"),
        ([("a", "a"), ("a", "bb")], "'a' is taken"),
        ([(SENTINEL, "a")], "is taken"),
        ([("x", "nowhere")], "nowhere.onnx does not exist"),
    ],
)
def test_senseless_items_are_named(files, items, words):
    given = [ModelFile(name, files / f"{file}.onnx") for name, file in items]
    with pytest.raises(UsageError, match=words):
        measure(
            ScriptedDevice(steady),
            RunSettings("onnxruntime"),
            given,
            Protocol("p"),
            np.random.default_rng(0),
        )


# The schedule on its own.


def rounds_of(*specs, level=2.0):
    """Rounds of (sentinel, flags)."""
    return [
        Round(index=i, order=["a"], wall_ms=[level] * 4, sentinel_ms=sentinel, flags=list(flags))
        for i, (sentinel, flags) in enumerate(specs)
    ]


def test_drift_is_measured_against_the_median_of_good_rounds():
    assert drifted([2.0, 2.0, 2.05, 2.1, 1.9], 0.03) == [False, False, False, True, True]
    # The median of all is 2.3: it has to move to the good ones first.
    settled = drifted([2.0, 2.0, 2.01, 2.3, 2.36, 2.3, 2.31, 2.3], 0.03)
    assert settled == [True, True, True, False, False, False, False, False]
    assert drifted([None, None], 0.03) == [False, False]
    assert drifted([2.0, None, 2.5, 2.0], 0.03) == [False, False, True, False]
    assert drifted([], 0.03) == []


def test_a_sentinel_that_scatters_is_no_drift_but_a_change_of_speed_is():
    rng = np.random.default_rng(0)
    noisy = 2 * rng.lognormal(0, 0.03, 40)
    assert sum(drifted(noisy[:20].tolist(), 0.03)) <= 1
    assert (np.abs(noisy[:20] / np.median(noisy[:20]) - 1) > 0.03).sum() >= 3
    faster = [*noisy[:30], *(0.76 * noisy[30:])]
    assert drifted(faster, 0.03)[30:] == [True] * 10
    assert sum(drifted(faster, 0.03)[:30]) <= 1
    # However much it scatters: 10 % off is another speed.
    wild = rng.lognormal(0, 0.3, 40)
    off = np.abs(wild / np.median(wild[~np.array(drifted(wild.tolist(), 0.03))]) - 1) > 0.1
    assert drifted(wild.tolist(), 0.03) == off.tolist()


@given(st.lists(st.floats(0.1, 10), min_size=1, max_size=40), st.floats(0.001, 0.5))
def test_good_rounds_are_within_the_limit_of_each_other(values, limit):
    bad = drifted(values, limit)
    good = [value for value, out in zip(values, bad, strict=True) if not out]
    if good:
        assert max(good) - min(good) <= 2.1 * max(limit, WIDEST) * max(good)
        if len(values) < ENOUGH_ROUNDS:
            assert max(good) - min(good) <= 2.1 * limit * max(good)
    assert drifted([3 * value for value in values], limit) == bad or len(good) < len(values)


def test_contended_rounds_are_counted_only_when_there_are_too_few_others():
    protocol = Protocol("p", rounds_min=2)
    clean, contended = (2.0, ()), (2.0, ("contended",))
    enough = selected(rounds_of(clean, contended, clean), protocol)
    assert [taken.counted for taken in enough] == [True, False, True]
    few = selected(rounds_of(clean, contended, contended), protocol)
    assert [taken.counted for taken in few] == [True, True, True]
    assert doubts(few) == {"contended"}


def test_a_doubt_about_most_rounds_is_one_about_the_measurement():
    protocol = Protocol("p", rounds_min=2)
    clean, contended = (2.0, ()), (2.0, ("contended",))
    assert doubts(selected(rounds_of(clean, clean, contended), protocol)) == set()
    assert doubts(selected(rounds_of(clean, clean, *[contended] * 3), protocol)) == {"contended"}


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([1.5, 2.0, 2.01, 2.5]),
            st.sampled_from([(), ("contended",), ("throttled",), ("incomplete",)]),
        ),
        min_size=80,
        max_size=80,
    ),
    st.integers(1, 6),
    st.integers(0, 10),
    st.integers(0, 10),
    st.sampled_from([None, 0.01]),
)
def test_every_measurement_ends(specs, least, more, repeats, target):
    protocol = Protocol(
        "p", rounds_min=least, rounds_max=least + more, repeats=repeats, target=target
    )
    taken = rounds_of(*specs)
    for count in range(1, 80):
        verdict = judge(taken[:count], protocol)
        if verdict.stopped:
            break
        assert verdict.rounds_left >= 1
    assert verdict.stopped
    assert least <= count <= least + more + repeats + 1
    assert sum(chosen.counted for chosen in selected(taken[:count], protocol)) >= least


def test_converged_means_that_the_reported_interval_is_within_the_target():
    protocol = Protocol("p", rounds_min=3, target=0.01)
    converged = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        levels, noise = 0.06 * rng.standard_normal(8), rng.standard_normal((8, 20))
        taken = [
            Round(index=i, order=["a"], wall_ms=list(5 + level + 0.1 * row))
            for i, (level, row) in enumerate(zip(levels, noise, strict=True))
        ]
        if judge(taken, protocol).stopped == "converged":
            converged += 1
            width = summarise([one.wall_ms for one in taken], protocol).relative_half_width
            assert width <= 0.01
    assert 5 < converged < 55


def test_when_time_is_over_the_least_number_of_rounds_must_do():
    protocol = Protocol("p", rounds_min=2, target=0.0)
    unsteady = [
        replace(taken, wall_ms=[1.0 + index] * 3)
        for index, taken in enumerate(rounds_of(*[(2.0, ("contended",))] * 3))
    ]
    assert judge(unsteady[:1], protocol, late=True).stopped is None
    assert judge(unsteady, protocol).stopped is None
    assert judge(unsteady, protocol, late=True).stopped == "limit"


# Protocols.


def test_protocols_are_found_by_name_and_changed():
    assert parse_protocol("adaptive") == protocols.get("adaptive")
    changed = parse_protocol("fixed: runs=7, rounds=4,sentinel=off,trim=0.2,target=0.02,limit_s=9")
    assert (changed.runs, changed.rounds_min, changed.rounds_max) == (7, 4, 4)
    assert (changed.sentinel, changed.trim, changed.target) == (False, 0.2, 0.02)
    assert changed.limit_s == 9.0
    assert parse_protocol("adaptive:target=none,limit_s=none").target is None
    assert set(protocols) == {"adaptive", "quick", "thorough", "pomonag", "fixed", "table"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("adaptve", "no protocol is called 'adaptve'"),
        ("fixed:runs", "'runs' is no change"),
        ("fixed:laps=3", "unknown field 'laps'"),
        ("fixed:name=x", "unknown field 'name'"),
        ("fixed:runs=many", "'runs' is 'many', expected a whole number"),
        ("fixed:rounds=1.5", "'rounds' is '1.5', expected a whole number"),
        ("fixed:trim=wide", "'trim' is 'wide', expected a number"),
        ("fixed:sentinel=maybe", "'sentinel' is 'maybe', expected on or off"),
        ("fixed:runs=0", "'runs' is 0, expected at least 1"),
        ("fixed:trim=0.5", "'trim' is 0.5, expected at least 0 and below 0.5"),
        ("fixed:trim=nan", "'trim' is nan"),
        ("adaptive:rounds_max=2", "'rounds_max' is 2, expected at least rounds_min"),
    ],
)
def test_mistakes_in_a_protocol_are_named(text, words):
    with pytest.raises(UsageError, match=words):
        parse_protocol(text)


@pytest.mark.parametrize("name", list(protocols))
def test_protocols_survive_json(name):
    protocol = protocols.get(name)
    assert Protocol.from_dict(json.loads(json.dumps(protocol.to_dict()))) == protocol


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"laps": 1}, "unknown field 'laps'"),
        ({"name": 3}, "'name' is 3"),
        ({"runs": 1.5}, "'runs' is 1.5, expected a whole number"),
        ({"runs": True}, "'runs' is True"),
        ({"sentinel": 1}, "'sentinel' is 1, expected true or false"),
        ({"trim": "0.1"}, "'trim' is '0.1', expected a number"),
        ({"target": "none"}, "'target' is 'none', expected a number"),
    ],
)
def test_mistakes_in_a_protocols_json_are_named(change, words):
    with pytest.raises(UsageError, match=words):
        Protocol.from_dict(protocols.get("fixed").to_dict() | change)


# Records.


def _through_json(measurement):
    return json.loads(json.dumps(measurement.to_dict(), allow_nan=False))


text = st.text(max_size=8)
finite = st.floats(1e-3, 1e3)
plain = st.dictionaries(text, st.one_of(st.none(), st.booleans(), st.integers(), finite, text))
maybe = st.one_of(st.none(), finite)
samples = st.lists(finite, min_size=1, max_size=5)
rounds = st.builds(
    Round,
    index=st.integers(0, 9),
    order=st.lists(text),
    wall_ms=samples,
    cpu_ms=st.one_of(st.none(), samples),
    sentinel_ms=maybe,
    overhead_ms=maybe,
    flags=st.lists(text),
    counted=st.booleans(),
    context=plain,
    sentinel_cpu_ms=maybe,
    sentinel_fastest_ms=st.dictionaries(st.sampled_from(["wall", "cpu"]), st.floats(1e-3, 1e3)),
)
above_0 = st.floats(1e-3, 1e3)


@settings(max_examples=50)
@given(data=st.data())
def test_measurements_survive_json(data):
    from profiler.measuring.estimates import estimate

    draw = data.draw
    estimates = estimate(draw(samples), 0.1, np.random.default_rng(0))
    measurement = Measurement(
        name=draw(text),
        arch=draw(st.one_of(st.none(), plain)),
        model=draw(plain),
        inputs=draw(st.lists(plain, max_size=2)),
        device=draw(text),
        device_fingerprint=draw(plain),
        runtime=draw(text),
        runtime_version=draw(st.one_of(st.none(), text)),
        runtime_facts=draw(plain),
        threads=draw(st.integers(1, 64)),
        affinity=draw(st.one_of(st.none(), st.lists(st.integers(0, 63)))),
        precision=draw(st.sampled_from([None, "fp32", "int8"])),
        batch=draw(st.one_of(st.none(), st.integers(1, 64))),
        protocol=draw(st.sampled_from([protocols.get(name) for name in protocols])),
        clock=draw(plain),
        latency_ms=estimates,
        cpu_ms=draw(st.sampled_from([None, estimates])),
        sentinel=draw(st.one_of(st.none(), plain)),
        multiples=draw(st.dictionaries(st.sampled_from(["wall", "cpu"]), above_0)),
        overhead_ms=draw(maybe),
        rounds=draw(st.lists(rounds, max_size=3)),
        flags=draw(st.lists(text)),
        stopped=draw(text),
        state=draw(plain),
        time=draw(text),
        nasprof=draw(text),
    )
    assert Measurement.from_dict(_through_json(measurement)) == measurement


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory):
    """A measurement as JSON."""
    folder = tmp_path_factory.mktemp("record")
    for name in ("a", "sentinel", "empty"):
        (folder / f"{name}.onnx").write_bytes(b"x")
    (result,) = run(ScriptedDevice(steady), folder, names=("a",), protocol="quick")
    return _through_json(result)


def test_the_json_holds_what_is_promised(record):
    promised = """schema arch model device device_fingerprint runtime runtime_version threads
        affinity precision batch protocol latency_ms cpu_ms sentinel multiples overhead_ms
        samples_ms rounds flags stopped state time nasprof clock inputs"""
    assert set(promised.split()) <= set(record)
    assert {"sha256", "format", "size_bytes", "path"} <= set(record["model"])
    assert record["schema"] == 3
    assert set(record["state"]) == {"before", "after"}


def test_records_of_the_first_schema_are_read_without_their_multiple(record):
    old = {key: value for key, value in record.items() if key not in ("sentinel", "multiples")}
    rounds = [
        {key: value for key, value in each.items() if not key.startswith("sentinel_")}
        | {"sentinel_ms": each["sentinel_ms"]}
        for each in record["rounds"]
    ]
    found = Measurement.from_dict({**old, "schema": 1, "normalised": 2.0, "rounds": rounds})
    assert (found.sentinel, found.multiples) == (None, {})
    assert found.latency_ms == Measurement.from_dict(record).latency_ms
    with pytest.raises(UsageError, match=r"rounds\[0\] is 7"):
        Measurement.from_dict({**old, "schema": 1, "rounds": [7, *rounds]})


def test_records_of_the_second_schema_tell_no_inputs(record):
    old = {key: value for key, value in record.items() if key != "inputs"}
    assert Measurement.from_dict({**old, "schema": 2}).inputs == []


def test_every_missing_field_is_named(record):
    later = {"device_options", "runtime_options", "requested_affinity"}
    assert later < record.keys()
    for name in record.keys() - later:
        damaged = {key: value for key, value in record.items() if key != name}
        with pytest.raises(UsageError, match=f"'{name}' is missing"):
            Measurement.from_dict(damaged)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("schema", 4, "'schema' is 4, expected 3"),
        ("threads", "1", "'threads' is '1', expected a whole number"),
        ("affinity", [0.5], "'affinity'"),
        ("flags", ["x", 1], "'flags'"),
        ("multiples", "2", "'multiples'"),
        ("multiples.wall", 0, "multiples: field 'wall' is 0, expected above 0"),
        ("latency_ms.trimmed_mean", None, "latency_ms: field 'trimmed_mean' is None"),
        ("latency_ms.ci95", [1.0], "latency_ms: field 'ci95'"),
        ("cpu_ms.p99", "1", "cpu_ms: field 'p99'"),
        ("protocol.runs", 0, "'runs' is 0"),
        ("rounds.1.wall_ms", [1.0, "2"], r"rounds\[1\]: field 'wall_ms'"),
        ("rounds.0.counted", 1, r"rounds\[0\]: field 'counted'"),
        ("rounds.0", 7, r"rounds\[0\] is 7, expected an object"),
        ("samples_ms", [1.0], "'samples_ms' is not what the counted rounds hold"),
    ],
)
def test_a_damaged_field_is_named(record, path, value, words):
    damaged = json.loads(json.dumps(record))
    *parents, last = (int(key) if key.isdigit() else key for key in path.split("."))
    place = damaged
    for key in parents:
        place = place[key]
    place[last] = value
    with pytest.raises(UsageError, match=words):
        Measurement.from_dict(damaged)


def test_what_is_no_object_is_refused():
    with pytest.raises(UsageError, match="expected an object"):
        Measurement.from_dict([1, 2])


# The real thing.


@pytest.mark.parametrize(("runtime", "kind"), [("onnxruntime", "onnx"), ("litert", "tflite")])
def test_two_networks_measured_for_real(tmp_path, runtime, kind):
    """A network and one with a part of its blocks: CPU time tells which is which."""
    space = get_space("ofa-mbv3", resolution=128)
    whole = space.network(space.sample(1, np.random.default_rng(0))[0])
    networks = {
        "whole": whole,
        "stem": Network.of(whole.layers[0].block),
        "sentinel": sentinel_network(),
        "empty": empty_network(),
    }
    paths = {}
    for name, network in networks.items():
        paths[name] = tmp_path / f"{name}.{kind}"
        lower(network, random_weights(network, np.random.default_rng(0)), paths[name], kind)
    device = open_device(find_profile("cpu"))
    items = [ModelFile(name, paths[name], extra={"batch": 1}) for name in ("whole", "stem")]
    protocol = parse_protocol("fixed:runs=10,rounds=2,warmup=2,repeats=1")
    whole, stem = measure(
        device,
        RunSettings(runtime),
        items,
        protocol,
        np.random.default_rng(0),
        sentinel=paths["sentinel"],
        empty=paths["empty"],
    )
    assert whole.cpu_ms.median > 3 * stem.cpu_ms.median
    assert whole.cpu_ms.median > 20 * whole.overhead_ms
    assert whole.runtime_version
    assert whole.clock == {"wall_resolution_ns": 1, "cpu": "thread"}
    assert whole.affinity is not None
    assert whole.device_fingerprint["cores"]
    assert whole.state["before"]["load_average"]
    assert whole.state["after"]["load_average"]
    assert whole.model["path"] == str(Path(paths["whole"]))
    assert whole.model["size_bytes"] == paths["whole"].stat().st_size
    assert 2 <= len(whole.rounds) <= 4
    assert {name for taken in whole.rounds for name in taken.order} == {
        "whole",
        "stem",
        SENTINEL,
        EMPTY,
    }
    assert Measurement.from_dict(_through_json(whole)) == whole
