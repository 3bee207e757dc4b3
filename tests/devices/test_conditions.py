"""What makes measurements comparable, and where that is looked at."""

from dataclasses import replace
from pathlib import Path

import pytest
from scripted import ScriptedDevice, steady
from scripted_tables import PLAN, built, device_of

from devices import Backend, Conditions, Profile, RunSettings, Target, open_device
from luts import read_cost_model
from profiler.measuring.interruption import Cancelled
from profiler.measuring.journal import JournalMismatch
from profiler.tables.backend import backend_of, changes_at
from profiler.tables.provenance import TableMismatch, changes
from search.objectives.measured import OnDevice

SETTINGS = RunSettings("onnxruntime")
GPU = RunSettings("onnxruntime", options={"provider": "cuda"})
BOUND = RunSettings("onnxruntime", affinity=(1,))


def with_options(device, **options):
    device.profile = device.profile.with_options(**options)
    return device


@pytest.mark.parametrize(
    ("kind", "options", "relevant"),
    [
        ("cpu", {"timeout_s": 5.0}, {}),
        ("cpu", {"runtime_options": {"x": 1}}, {"runtime_options": {"x": 1}}),
        ("gpu", {"device_index": 0}, {}),
        ("gpu", {"device_index": 1, "timeout_s": 5.0}, {"device_index": 1}),
        ("adb", {"runner": "benchmark_model", "serial": "x", "port": 5556, "timeout_s": 5.0}, {}),
        ("adb", {"benchmark_model": "/bin/tool", "product": "pixel", "lock_wait_s": 1.0}, {}),
        ("adb", {"delegate": "gpu", "benchmark_flags": []}, {"delegate": "gpu"}),
        ("adb", {"benchmark_flags": ["--a=1"]}, {"benchmark_flags": ["--a=1"]}),
        ("adb", {"runner": "json", "cool_below_c": 35}, {"runner": "json", "cool_below_c": 35}),
    ],
)
def test_options_that_latencies_depend_on(kind, options, relevant):
    device = open_device(Profile("x", kind, options=options))
    assert device.relevant_options() == relevant


def test_conditions_hold_everything_and_what_is_not_known_is_left_out():
    device = with_options(ScriptedDevice(steady), delegate="gpu", timeout_s=9)
    now = Conditions.of(device, replace(GPU, threads=2, affinity=(0, 3)))
    known = {
        "device": "scripted",
        "device_fingerprint": {"kind": "scripted"},
        "device_options": {"delegate": "gpu"},
        "runtime": "onnxruntime",
        "threads": 2,
        "affinity": [0, 3],
        "runtime_options": {"provider": "cuda"},
    }
    assert now.to_dict() == known
    assert replace(now, runtime_version="1").to_dict() == known | {"runtime_version": "1"}
    unasked = Conditions.of(device, GPU, contact=False)
    assert unasked.device_fingerprint is None
    device.profile = replace(device.profile, affinity=(2,))
    assert Conditions.of(device, GPU).affinity == (2,)


OTHERWISE = [
    (SETTINGS, {"delegate": "gpu"}, 'device_options.delegate was null, now "gpu"'),
    (
        SETTINGS,
        {"runtime_options": {"xnnpack": False}},
        "runtime_options.xnnpack was null, now false",
    ),
    (GPU, {}, 'runtime_options.provider was null, now "cuda"'),
    (BOUND, {}, r"affinity was null, now \[1\]"),
]


@pytest.mark.parametrize(("settings", "options", "words"), OTHERWISE)
def test_a_table_is_only_completed_under_the_same_conditions(settings, options, words):
    whole = built()
    part = replace(whole, entries=dict(list(whole.entries.items())[:3]))
    device = with_options(device_of(PLAN), **options)
    with pytest.raises(TableMismatch, match=words):
        built(PLAN, device, base=part, settings=settings)
    assert device.sessions == []
    assert any(changes(whole, Conditions.of(device, settings).to_dict()))
    told = changes_at(whole, Backend(device, settings))
    assert len(told) == 1 and told[0].startswith(words.split(" was")[0])


@pytest.mark.parametrize(("settings", "options", "words"), OTHERWISE)
def test_a_journal_is_only_gone_on_with_under_the_same_conditions(
    tmp_path, settings, options, words
):
    journal = tmp_path / "t.json.journal"
    ending = device_of(PLAN)
    script = ending.script

    def interrupted(name, number, runs):
        if number == 2:
            raise KeyboardInterrupt
        return script(name, number, runs)

    ending.script = interrupted
    with pytest.raises(Cancelled):
        built(PLAN, ending, journal=journal)
    other = with_options(device_of(PLAN), **options)
    with pytest.raises(JournalMismatch, match=words):
        built(PLAN, other, settings=settings, journal=journal)
    assert other.sessions[0].orders == []
    assert built(PLAN, journal=journal).missing() == []


def test_what_is_built_under_options_tells_them_and_is_completed_under_them():
    device = with_options(device_of(PLAN), delegate="gpu")
    whole = built(PLAN, device, settings=replace(BOUND, options=GPU.options))
    assert whole.provenance["device_options"] == {"delegate": "gpu"}
    assert whole.provenance["runtime_options"] == {"provider": "cuda"}
    assert whole.provenance["affinity"] == [1]
    part = replace(whole, entries=dict(list(whole.entries.items())[:3]))
    completed = built(PLAN, device, base=part, settings=replace(BOUND, options=GPU.options))
    assert completed.missing() == []


def test_tables_from_before_there_were_options_have_none():
    shipped = read_cost_model("cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224")
    assert "device_options" not in shipped.provenance
    fingerprint = shipped.provenance["device_fingerprint"]
    now = Conditions("cpu", fingerprint, runtime="onnxruntime", threads=1)
    assert changes(shipped, now.to_dict()) == []
    optimised = replace(now, runtime_options={"x": 1})
    assert changes(shipped, optimised.to_dict()) == ["runtime_options.x was null, now 1"]


def test_options_of_the_runtime_are_the_profiles_and_those_of_the_settings(tmp_path):
    path = tmp_path / "here.toml"
    path.write_text('kind = "cpu"\n[runtime_options]\nxnnpack = false\n')
    backend = Target(str(path)).resolve()
    assert backend.settings.options == {"xnnpack": False}
    assert backend.conditions().runtime_options == {"xnnpack": False}
    assert backend.conditions().device_options == {}
    opened = backend.device.complete(replace(backend.settings, options={"library": "x"}))
    assert opened.options == {"xnnpack": False, "library": "x"}
    said = Target(str(path), options={"runtime_options": {"a": 1}}).resolve()
    assert said.settings.options == {"a": 1}


def test_older_files_have_options_of_the_runtime_among_the_devices():
    old = {"device_options": {"runtime_options": {"x": 1}, "delegate": "gpu"}}
    conditions = Conditions.from_dict(old)
    assert conditions.device_options == {"delegate": "gpu"}
    assert conditions.runtime_options == {"x": 1}
    assert Conditions.from_dict(conditions.to_dict()) == conditions


@pytest.mark.parametrize("measured", [{"xnnpack": False}, {}])
@pytest.mark.parametrize("said", [None, {}, {"xnnpack": True}])
def test_options_that_a_table_was_measured_with_hold_unless_others_are_said(measured, said):
    known = Conditions("cpu", runtime="litert", threads=1, runtime_options=measured)
    options = {} if said is None else {"runtime_options": said}
    backend = Target(options=options).resolve(known)
    assert backend.settings.options == (measured if said is None else said)
    now = replace(backend.conditions(), device_fingerprint=None)
    assert bool(known.differences(now)) == (said not in (None, measured))


@pytest.fixture
def phone(tmp_path: Path):
    path = tmp_path / "phone.toml"
    path.write_text('kind = "adb"\nruntime = "litert"\nserial = "x:1"\n')
    return str(path)


def test_what_a_target_does_not_say_is_as_the_table_was_measured(phone):
    measured = {"delegate": "gpu", "benchmark_flags": ["--a=1"]}
    provenance = {"device": "phone", "device_options": measured, "affinity": [4, 5], "threads": 2}
    table = replace(built(), provenance=provenance | {"runtime": "litert"})
    backend = backend_of(table, Target(phone))
    assert changes_at(table, backend) == []
    assert backend.profile.options == {"serial": "x:1", **measured}
    assert (backend.settings.affinity, backend.settings.threads) == ((4, 5), 2)
    other = backend_of(table, Target(phone, affinity=(7,), options={"delegate": "nnapi"}))
    assert set(changes_at(table, other)) == {
        'device_options.delegate was "gpu", now "nnapi"',
        "affinity was [4, 5], now [7]",
    }
    # Another device has other options.
    assert backend_of(table, Target("cpu")).profile.options == {}


def test_a_measured_objective_depends_on_the_same_conditions():
    profile = Profile("x", "cpu", options={"runtime_options": {"a": 1}, "timeout_s": 3.0})
    facts = OnDevice(Backend(open_device(profile), BOUND), PLAN.spaces[0], PLAN, "wall").facts()
    now = Conditions.of(open_device(profile), BOUND).to_dict()
    assert now.items() <= facts.items()
    assert (facts["device_options"], facts["runtime_options"]) == ({}, {"a": 1})
