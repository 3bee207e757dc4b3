"""Many models are measured in groups that fit into memory, each beside the same sentinel."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from scripted import ScriptedDevice, steady

from devices import Backend, DeviceError, DeviceLost, RunSettings, host
from nasprof.errors import NasprofError, UsageError
from profiler.cli import main
from profiler.measuring import grouping
from profiler.measuring.grouping import forecast, grouped, limit_bytes
from profiler.measuring.groups import measure_groups
from profiler.measuring.interruption import Cancelled, Interrupted
from profiler.measuring.pending import PendingModel
from profiler.measuring.protocol import parse_protocol
from profiler.measuring.request import Listeners, MeasureRequest
from profiler.measuring.status import EMPTY, SENTINEL
from profiler.model_files.model_file import ModelFile
from spaces import get_space

MB = 1_000_000
NAMES = ["a", "bb", "ccc", "dddd", "eeeee"]


def work(name, size=1):
    def make(folder):
        path = folder / f"{name}.onnx"
        path.write_bytes(name.encode() * size)
        return ModelFile(name, path)

    return PendingModel(name, make, size * MB, ".onnx")


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., object]:
    references = (tmp_path / "sentinel.onnx", tmp_path / "empty.onnx")
    for path in references:
        path.write_bytes(path.name.encode())

    def measured(device, split, told=None, **options):
        request = MeasureRequest(
            Backend(device, RunSettings("onnxruntime")),
            parse_protocol("fixed:rounds=3,runs=4,warmup=1"),
            np.random.default_rng(0),
            *references,
            listeners=told or Listeners(**options),
        )
        return measure_groups(split, request, tmp_path)

    return measured


def split(*sizes):
    names = iter(NAMES)
    return [[work(next(names)) for _ in range(size)] for size in sizes]


def lengths(parts):
    return [len(part) for part in parts]


def test_models_are_split_in_order_into_as_few_even_groups_as_fit():
    works = [work(f"m{number}", 10) for number in range(110)]
    parts = grouped(works, 600 * MB)
    assert [each for part in parts for each in part] == works
    assert lengths(parts) == [37, 37, 36]
    assert all(sum(each.memory_bytes for each in part) <= 600 * MB for part in parts)
    assert lengths(grouped(works, 10_000 * MB)) == [110]


def test_a_model_larger_than_the_limit_is_alone():
    works = [work("small", 1), work("large", 900), work("other", 1)]
    assert lengths(grouped(works, 100 * MB)) == [1, 1, 1]


def test_files_count_as_much_as_memory():
    written = PendingModel("a", lambda _: None, 100 * MB, ".onnx")
    given = replace(written, written=False, suffix=".tflite", run_bytes=5 * MB)
    assert (written.memory_bytes, written.disk_bytes) == (160 * MB, 100 * MB)
    assert (given.memory_bytes, given.disk_bytes) == (275 * MB, 0)


def test_every_group_runs_the_sentinel_and_its_models_in_turns(run, tmp_path):
    device = ScriptedDevice(steady)
    results = run(device, split(3, 2))
    assert [result.name for result in results] == NAMES
    assert [set(session.models) for session in device.sessions] == [
        {"a", "bb", "ccc", SENTINEL, EMPTY},
        {"dddd", "eeeee", SENTINEL, EMPTY},
    ]
    for session in device.sessions:
        assert len(session.orders) == 3
        assert all(sorted(order) == sorted(session.models) for order in session.orders)
        assert session.closed
    for result, level in zip(results, (2, 3, 4, 5, 6), strict=True):
        assert result.latency_ms.trimmed_mean == pytest.approx(level, rel=2e-3)
        assert result.multiples["wall"] == pytest.approx(level / 2, rel=5e-3)
        assert result.flags == []
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_files_of_one_group_are_there_at_a_time(run, tmp_path):
    seen = []

    def script(name, number, runs):
        seen.append(sorted(path.name for path in tmp_path.glob("group*/*.onnx")))
        return steady(name, number, runs)

    run(ScriptedDevice(script), split(3, 2))
    assert {tuple(each) for each in seen} == {
        ("a.onnx", "bb.onnx", "ccc.onnx"),
        ("dddd.onnx", "eeeee.onnx"),
    }


def test_the_cores_of_the_first_group_are_those_of_all(run):
    device = ScriptedDevice(steady)
    results = run(device, split(2, 2, 1))
    assert [result.requested_affinity for result in results] == [None] * 5
    assert [session.settings.affinity for session in device.sessions] == [None, (0,), (0,)]


@pytest.mark.parametrize(("slower", "flags"), [(1.02, []), (1.2, ["drift"]), (0.8, ["drift"])])
def test_a_group_at_another_speed_than_the_first_is_marked(run, slower, flags):
    device = ScriptedDevice(None)

    def script(name, number, runs):
        taken = steady(name, number, runs)
        factor = slower if len(device.sessions) == 2 else 1.0
        taken.wall_ms = [factor * value for value in taken.wall_ms]
        return taken

    device.script = script
    saved = []
    results = run(device, split(2, 2), completed=saved.append)
    assert [result.flags for result in results] == [[], [], flags, flags]
    assert [result.flags for result in saved] == [[], [], flags, flags]
    # What is said of the models by the sentinel is the same at any speed.
    assert results[2].multiples["wall"] == pytest.approx(2.0, rel=5e-3)


def test_what_is_complete_is_told_at_once_and_progress_is_of_all(run):
    told, statuses = [], []
    run(
        ScriptedDevice(steady),
        split(3, 2),
        Listeners(statuses.append, lambda result: told.append(result.name)),
    )
    assert told == NAMES
    assert {status.total for status in statuses} == {5}
    complete = [status.complete for status in statuses]
    assert complete == sorted(complete)
    assert complete[-1] == 5
    assert statuses[0].remaining_s > 0


def fail_in_second(error):
    def script(device, name, number, runs):
        if len(device.sessions) == 2 and number == 1 and name != SENTINEL:
            raise error
        return steady(name, number, runs)

    device = ScriptedDevice(None)
    device.script = partial(script, device)
    return device


@pytest.mark.parametrize(
    ("error", "kind"), [(DeviceLost("gone"), Interrupted), (KeyboardInterrupt(), Cancelled)]
)
def test_an_interruption_leaves_what_all_groups_gave(run, tmp_path, error, kind):
    with pytest.raises(kind) as caught:
        run(fail_in_second(error), split(3, 2))
    kept = {result.name: result.flags for result in caught.value.measurements}
    assert list(kept) == NAMES
    assert kept["a"] == []
    assert "incomplete" in kept["eeeee"]
    assert not list(tmp_path.glob("group*"))


def test_a_file_that_cannot_be_made_leaves_what_was_measured(run):
    def fail(folder):
        raise UsageError("the checkpoint does not fit")

    broken = replace(work("dddd"), make=fail)
    with pytest.raises(Interrupted, match="the checkpoint does not fit") as caught:
        run(ScriptedDevice(steady), [[work("a")], [broken]])
    assert [result.name for result in caught.value.measurements] == ["a"]
    with pytest.raises(UsageError, match="the checkpoint does not fit"):
        run(ScriptedDevice(steady), [[broken], [work("a")]])


def test_a_model_that_fails_alone_in_its_group_stops_no_other(run):
    class Device(ScriptedDevice):
        def open(self, settings):
            session = super().open(settings)
            load = session.load

            def checked(models, details=None):
                if "bb" in models:
                    raise DeviceError("cannot run", model="bb")
                load(models, details)

            session.load = checked
            return session

    told = []
    fail = Listeners(failed=lambda name, error: told.append((name, error.message)))
    results = run(Device(steady), split(1, 1, 1), fail)
    assert [result.name for result in results] == ["a", "ccc"]
    assert told == [("bb", "cannot run")]
    with pytest.raises(NasprofError, match="cannot run"):
        run(Device(steady), [[work("bb")]], fail)


@pytest.mark.parametrize(
    ("names", "words"), [(["a", "a"], "the name 'a' is taken"), ([], "nothing to measure")]
)
def test_names_are_unique_among_all_groups(run, names, words):
    with pytest.raises(UsageError, match=words):
        run(ScriptedDevice(steady), [[work(name)] for name in names])


def test_what_it_will_take_is_said_where_it_is_much():
    adaptive = parse_protocol("adaptive")
    few = [[work(f"m{number}", 1) for number in range(5)]]
    assert forecast(few, adaptive) is None
    many = grouped([work(f"m{number}", 20) for number in range(110)], 1200 * MB)
    assert forecast(many, adaptive) == (
        "110 models: about 1.2 GB of memory and 0.7 GB of temporary files at a time, in 3 groups "
        "of at most 37, each beside the same sentinel; up to 110 min"
    )
    one = [[PendingModel("big", lambda _: None, 2000 * MB, ".onnx", written=False)]]
    assert forecast(one, parse_protocol("fixed")) == "1 model: about 3.2 GB of memory"


def test_the_limit_is_half_of_what_is_free(monkeypatch, tmp_path):
    here, elsewhere = SimpleNamespace(local=True), SimpleNamespace(local=False)
    for free, disk, expected in [
        (400 * MB, 10_000 * MB, 200 * MB),
        (None, 600 * MB, 300 * MB),
        (100_000 * MB, 100_000 * MB, grouping.MEMORY_BYTES),
    ]:
        monkeypatch.setattr(host, "available_memory", lambda free=free: free)
        usage = SimpleNamespace(free=disk)
        monkeypatch.setattr(grouping.shutil, "disk_usage", lambda _, usage=usage: usage)
        assert limit_bytes(here, tmp_path) == expected
    assert limit_bytes(elsewhere, tmp_path) == grouping.MEMORY_BYTES


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"proc/meminfo": "MemTotal: 8000 kB\nMemAvailable: 4000 kB\n"}, 4_096_000),
        (
            {
                "proc/meminfo": "MemAvailable: 4000 kB\n",
                "sys/fs/cgroup/memory.max": "3000000\n",
                "sys/fs/cgroup/memory.current": "1000000\n",
            },
            2_000_000,
        ),
        (
            {
                "proc/meminfo": "MemAvailable: 4000 kB\n",
                "sys/fs/cgroup/memory.max": "max\n",
                "sys/fs/cgroup/memory.current": "1000000\n",
            },
            4_096_000,
        ),
        (
            {
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "5000",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "6000",
            },
            0,
        ),
    ],
)
def test_free_memory_is_that_of_the_container_as_well(tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert host.available_memory(tmp_path) == expected


def test_the_command_measures_in_groups_and_saves_each(tmp_path, monkeypatch):
    space = get_space("ofa-mbv3", resolution=128)
    archs = space.decode(space.sample(3, np.random.default_rng(0)))
    (tmp_path / "archs.json").write_text(json.dumps(archs))
    monkeypatch.setattr(grouping, "MEMORY_BYTES", 50 * MB)
    saved = tmp_path / "saved.jsonl"
    told = CliRunner().invoke(
        main,
        ["measure", "--protocol", "fixed:rounds=2,runs=1", "--json", "--save", str(saved),
         "--arch", str(tmp_path / "archs.json")],
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    assert "3 models: about" in told.stderr
    assert "groups of at most" in told.stderr
    results = json.loads(told.stdout)
    assert [result["arch"] for result in results] == archs
    assert len(saved.read_text().splitlines()) == 3
    assert len({json.dumps(result["affinity"]) for result in results}) == 1
