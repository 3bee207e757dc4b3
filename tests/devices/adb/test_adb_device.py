"""ADB devices end to end through a real debug daemon, and everything that may go wrong there.

The daemon, the shell, the file transfer, Python and its runtimes are real. A phone's properties,
sensors and core frequencies, and the program benchmark_model, are stood in for by
tests/support/adbd.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import peers
import pytest

from devices.adb import heat
from devices.device_profile import Profile
from devices.errors import (
    DeviceError,
    DeviceFull,
    DeviceLost,
    DeviceTimeout,
    DeviceUnreachable,
    RunnerCrashed,
    RunnerRefused,
)
from devices.profile_files import find_profile, open_device
from devices.settings import RunSettings
from nasprof.errors import UsageError

pytestmark = pytest.mark.adbd

ADBD = Path(__file__).parents[2] / "support" / "adbd"
DOUBLE = ADBD / "benchmark_model_double.sh"
LITERT_DOUBLE = ADBD / "benchmark_model_litert_double.sh"
CORES = sorted(os.sched_getaffinity(0))
SETTINGS = RunSettings("litert")


@pytest.fixture(scope="module", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def binds(tmp_path_factory: pytest.TempPathFactory):
    """Programs of a phone, and core frequencies of which the last core has the highest."""
    cpus = tmp_path_factory.mktemp("cpu")
    for core in CORES:
        folder = cpus / f"cpu{core}" / "cpufreq"
        folder.mkdir(parents=True)
        khz = 2802000 if core == CORES[-1] else 1803000
        for name in ("cpuinfo_max_freq", "scaling_max_freq", "scaling_cur_freq"):
            (folder / name).write_text(f"{khz}\n")
        (folder / "scaling_governor").write_text("schedutil\n")
    return {ADBD / "phone": "/opt/phone/bin", cpus: "/sys/devices/system/cpu"}


@pytest.fixture(scope="module")
def phone(binds):
    with peers.running_phone(binds=binds) as phone:
        yield phone


@pytest.fixture(autouse=True)
def _calm(request: pytest.FixtureRequest) -> Iterator[None]:
    if "phone" in request.fixturenames:
        phone = request.getfixturevalue("phone")
        phone.shell("rm -f /data/heat")
        yield
        phone.wait_until_clean()
    else:
        yield


def device_on(phone, **options):
    options = {"benchmark_model": str(DOUBLE), "timeout_s": 20, "cool_limit_s": 0, **options}
    return open_device(phone.profile(**options))


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., object]:
    """Makes a model file for the double of benchmark_model."""

    def write(name="m", us=1000, **directives):
        path = tmp_path / f"{name}.tflite"
        lines = {"us": us, **directives}
        path.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
        return path

    return write


# --- profiles ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"serail": "x"}, "no option 'serail'"),
        ({"runner": "magic"}, "'runner' is 'magic'"),
        ({"port": 0}, "'port' is 0"),
        ({"port": True}, "'port' is True"),
        ({"timeout_s": 0}, "'timeout_s' is 0"),
        ({"remote_dir": "tmp"}, "'remote_dir' is 'tmp'"),
        ({"benchmark_flags": ["-x"]}, "'benchmark_flags'"),
        ({"serial": "host:0"}, "port '0'"),
    ],
)
def test_a_wrong_option_is_named(options, message):
    with pytest.raises(UsageError, match=message):
        open_device(Profile("mine", "adb", options=options))


@pytest.mark.parametrize("name", ["android", "pixel"])
def test_shipped_profiles_are_valid_and_tell_at_once_what_is_there(name):
    device = open_device(find_profile(name))
    start = time.monotonic()
    found = device.check()
    assert time.monotonic() - start < 10
    assert found.ok or "phone" in found.detail or "USB" in found.detail or "usb" in found.detail


# --- looking at the device -----------------------------------------------------------------------


def test_a_reachable_device_is_described(phone):
    found = device_on(phone, product="pixel").check()
    assert found.ok, found.detail
    assert "Pixel Test, Android 14" in found.detail
    assert "not a" not in found.detail
    assert "not a xperia" in device_on(phone, product="xperia").check().detail
    without = open_device(phone.profile())
    assert "benchmark_model is not set" in without.check().detail


def test_an_unreachable_device_says_why_and_what_to_do():
    profile = Profile("x", "adb", options={"serial": f"127.0.0.1:{peers.free_port()}"})
    found = open_device(profile).check()
    assert not found.ok
    assert "Connection refused" in found.detail
    assert "adb tcpip 5555" in found.detail
    with pytest.raises(DeviceUnreachable):
        open_device(profile).fingerprint()


def test_the_fingerprint_identifies_the_hardware(phone):
    facts = device_on(phone).fingerprint()
    assert facts["kind"] == "adb"
    assert facts["model"] == "Pixel Test"
    assert facts["soc"] == "TESTSOC"
    assert facts["max_khz"][str(CORES[-1])] == 2802000
    assert json.loads(json.dumps(facts)) == facts
    assert facts["kernel"].startswith("Linux")


# --- measuring with benchmark_model --------------------------------------------------------------


def test_models_are_timed_run_by_run_on_the_big_cores(phone, model):
    with device_on(phone).open(SETTINGS) as session:
        session.load({"a": model("a", 1000), "b": model("b", 5000)})
        taken = session.run_round(["b", "a"], warmup=3, runs=4)
        cores = phone.shell("cat /data/local/tmp/nasprof-*/cores").output
        told = session.provenance()
        state = session.state()
    # The double counts its starts; the first was made when the model was loaded.
    assert taken["a"].wall_ms == pytest.approx([1.002, 1.003, 1.004, 1.005])
    assert taken["b"].wall_ms == pytest.approx([5.002, 5.003, 5.004, 5.005])
    assert taken["a"].cpu_ms is None
    assert taken["a"].flags == []
    assert taken["a"].context["init_ms"] == 1.5
    assert taken["a"].context["temperature_c"] == [30.5, 30.5]
    assert state["governor"] == "schedutil"
    assert state["battery"] == {"level": 80, "temperature_c": 25.1, "powered": True}
    assert cores.split() == ["Cpus_allowed_list:", str(CORES[-1])]
    assert told["affinity"] == [CORES[-1]]
    assert told["threads"] == 1
    assert told["push_verified_by"] == ["sha256"]
    assert len(told["tool_sha256"]) == 64
    assert phone.leftovers() == ""


def test_cores_asked_for_are_used_and_impossible_ones_refused(phone, model):
    settings = RunSettings("litert", affinity=(CORES[0],))
    with device_on(phone).open(settings) as session:
        assert session.provenance()["affinity"] == [CORES[0]]
    with pytest.raises(RunnerRefused, match="cannot run on cores"):
        device_on(phone).open(RunSettings("litert", affinity=(63,)))


def test_a_tool_that_is_on_the_device_is_used_from_there(phone, model, tmp_path):
    from devices.adb.address import TcpAddress
    from devices.adb.connection import AdbConnection

    connection = AdbConnection(TcpAddress("127.0.0.1", phone.port))
    connection.connect()
    connection.push(DOUBLE, "/data/tool", executable=True)
    connection.close()
    with device_on(phone, benchmark_model="device:/data/tool").open(SETTINGS) as session:
        session.load({"m": model()})
        assert session.run_round(["m"], 1, 2)["m"].wall_ms == pytest.approx([1.002, 1.003])
        assert session.provenance()["tool"] == "device:/data/tool"


@pytest.mark.parametrize(
    ("options", "share"),
    [({}, {"xnnpack": "partially"}), ({"delegate": "gpu"}, {"gpu": "completely"})],
)
def test_models_are_timed_by_litert_2s_benchmark_model(phone, model, options, share):
    device = device_on(phone, benchmark_model=str(LITERT_DOUBLE), **options)
    with device.open(SETTINGS) as session:
        session.load({"m": model()})
        taken = session.run_round(["m"], 1, 2)["m"]
    assert taken.wall_ms == pytest.approx([8.123, 8.123])
    assert taken.flags == []
    assert taken.context["init_ms"] == 4.478
    assert taken.context["delegates"] == {"npu": "not", **share}


def test_litert_2s_fallback_to_the_cpu_is_refused(phone, model):
    device = device_on(phone, benchmark_model=str(LITERT_DOUBLE), delegate="npu")
    with (
        device.open(SETTINGS) as session,
        pytest.raises(RunnerRefused, match=r"npu delegate did not run the model.*xnnpack ran it"),
    ):
        session.load({"m": model()})
        session.run_round(["m"], 1, 1)


def test_a_delegate_that_runs_is_accepted_and_recorded(phone, model):
    with device_on(phone, delegate="xnnpack").open(SETTINGS) as session:
        session.load({"m": model()})
        taken = session.run_round(["m"], 1, 1)
        assert taken["m"].context["delegates"] == {"xnnpack": "completely"}


@pytest.mark.parametrize(
    ("options", "settings", "error", "message"),
    [
        ({"benchmark_model": "/nonesuch"}, SETTINGS, UsageError, "does not exist"),
        ({"runner": "benchmark_model", "benchmark_model": "device:/nonesuch"}, SETTINGS,
         RunnerRefused, "cannot be started"),
        ({}, RunSettings("onnxruntime"), RunnerRefused, "not onnxruntime"),
        ({}, RunSettings("litert", options={"provider": "x"}), RunnerRefused, "no option"),
        ({"delegate": "nnapi"}, SETTINGS, RunnerRefused, "NNAPI acceleration is unsupported"),
        ({"benchmark_flags": ["--bogus=1"]}, SETTINGS, RunnerRefused, "does not know --bogus=1"),
        ({"remote_dir": "/usr/share"}, SETTINGS, DeviceError, "cannot make a folder"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_with_the_reason(
    phone, model, options, settings, error, message
):
    with (
        pytest.raises(error, match=message) as caught,
        device_on(phone, **options).open(settings) as session,
    ):
        session.load({"m": model()})
    assert caught.value.remedy or "no option" in message


def test_a_missing_tool_is_named_with_how_to_get_it(phone):
    with pytest.raises(UsageError, match="names no benchmark_model") as caught:
        open_device(phone.profile()).open(SETTINGS)
    assert 'benchmark_model = "/path/to/it"' in str(caught.value)


def test_a_tool_for_another_processor_is_refused(phone, model, tmp_path):
    foreign = tmp_path / "tool"
    foreign.write_bytes(b"\x7fELF\2\1\1" + b"\0" * 9 + b"\2\0\xb7\0" + b"\0" * 100)
    with (
        pytest.raises(RunnerRefused, match="cannot be started") as caught,
        device_on(phone, benchmark_model=str(foreign)).open(SETTINGS) as session,
    ):
        session.load({"m": model()})
    assert "ABI" in str(caught.value)


def test_a_model_that_is_none_is_refused_when_it_is_loaded(phone, tmp_path):
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"\0\1\2")
    with device_on(phone).open(SETTINGS) as session:
        with pytest.raises(RunnerRefused, match="cannot use the model"):
            session.load({"m": broken})
        with pytest.raises(UsageError, match=r"ends in \.tflite"):
            session.load({"m": broken.rename(tmp_path / "m.onnx")})
        with pytest.raises(RunnerRefused, match="does not exist"):
            session.load({"m": tmp_path / "nonesuch.tflite"})
        with pytest.raises(UsageError, match="no model 'x'"):
            session.run_round(["x"], 1, 1)


def test_outputs_are_refused_by_benchmark_model(phone, model):
    with device_on(phone).open(SETTINGS) as session:
        session.load({"m": model()})
        with pytest.raises(RunnerRefused, match="does not return outputs"):
            session.outputs("m", {})


# --- heat --------------------------------------------------------------------------------------


def test_samples_taken_while_throttled_are_flagged(phone, model, caplog):
    caplog.set_level("INFO", logger="nasprof")
    with device_on(phone, cool_limit_s=0.3).open(SETTINGS) as session:
        session.load({"m": model()})
        assert session.run_round(["m"], 1, 1)["m"].flags == []
        phone.shell("echo '2 48.5' > /data/heat")
        hot = session.run_round(["m"], 1, 1)["m"]
        assert hot.flags == ["throttled"]
        assert hot.context["cooled_s"] >= 0.3
        assert hot.context["thermal_status"] == [2, 2]
        phone.shell("rm /data/heat")
        assert session.run_round(["m"], 1, 1)["m"].flags == []
    assert "cool down" in caplog.text


def test_a_round_begins_when_the_device_has_cooled_down(phone, model, monkeypatch):
    monkeypatch.setattr(heat, "COOL_POLL_S", 0.1)
    phone.shell("echo '0 55' > /data/heat")
    with device_on(phone, cool_below_c=40, cool_limit_s=15).open(SETTINGS) as session:
        session.load({"m": model()})
        cooling = threading.Timer(0.8, phone.shell, ["echo '0 35' > /data/heat"])
        cooling.start()
        taken = session.run_round(["m"], 1, 1)["m"]
        cooling.join()
    assert taken.context["temperature_c"] == [35, 35]
    assert 0 < taken.context["cooled_s"] < 15
    assert taken.flags == []


# --- faults ------------------------------------------------------------------------------------


def fail_in_a_round(phone, path, expected, match, **options):
    """Run a round of which an error is expected, then show that a good model still runs."""
    good = path.with_name("good.tflite")
    good.write_text("us=2000\n")
    with device_on(phone, **options).open(SETTINGS) as session:
        session.load({"good": good, "bad": path})
        with pytest.raises(expected, match=match) as caught:
            session.run_round(["good", "bad"], 1, 5)
        if not issubclass(expected, RunnerRefused):
            assert "sleep 7" not in phone.leftovers(), "the runner was left running"
        again = session.run_round(["good"], 1, 2)["good"].wall_ms
        assert len(again) == 2
    assert len(caught.value.partial["good"].wall_ms) == 5, "samples already taken were lost"
    return caught.value


@contextlib.contextmanager
def while_running(process, phone, action):
    """Do something as soon as a process runs on the phone."""

    def wait_and_act():
        phone.wait_for_process(process)
        action()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    yield
    thread.join()


@pytest.mark.parametrize("how", ["hang", "leave"])
def test_a_runner_that_hangs_is_ended_and_its_samples_kept(phone, model, how):
    start = time.monotonic()
    error = fail_in_a_round(
        phone, model(do=how, after=3), DeviceTimeout, "within 2.5 s", timeout_s=2.5
    )
    assert time.monotonic() - start < 25
    assert len(error.partial["bad"].wall_ms) == 2


def test_a_runner_that_crashes_is_named_and_its_samples_kept(phone, model):
    error = fail_in_a_round(
        phone, model(do="crash", after=2), RunnerCrashed, r"exit code 139 \(SIGSEGV\)"
    )
    assert len(error.partial["bad"].wall_ms) == 1
    assert "Loaded model" in str(error)


@pytest.mark.parametrize("how", ["garbage", "truncated"])
def test_garbage_and_truncated_output_give_no_number(phone, model, how):
    error = fail_in_a_round(phone, model(do=how, after=2), RunnerRefused, "no measurement")
    assert len(error.partial["bad"].wall_ms) == 1


def test_a_flood_of_output_is_stopped(phone, model, monkeypatch):
    monkeypatch.setattr("devices.adb.shell_output.MAX_OUTPUT", 1 << 20)
    error = fail_in_a_round(phone, model(do="flood", after=2), RunnerCrashed, "more than 1 MB")
    assert len(error.partial["bad"].wall_ms) == 1


def test_a_daemon_killed_during_a_round_is_reported_and_the_next_round_runs(phone, model):
    path = model(do="leave", after=3)
    with while_running("sleep 70", phone, phone.kill_daemon):
        error = fail_in_a_round(phone, path, DeviceLost, "was lost")
    assert len(error.partial["bad"].wall_ms) == 2


def test_a_device_that_goes_away_and_comes_back_is_used_again(model, binds):
    with peers.running_phone(binds=binds) as phone:
        bad, good = model("bad", do="hang", after=3), model("good")
        with device_on(phone).open(SETTINGS) as session:
            session.load({"bad": bad, "good": good})
            with (
                while_running("sleep 70", phone, phone.stop),
                pytest.raises(DeviceLost) as caught,
            ):
                session.run_round(["good", "bad"], 1, 5)
            assert len(caught.value.partial["good"].wall_ms) == 5
            with pytest.raises(DeviceUnreachable):
                session.run_round(["good"], 1, 2)
            phone.start()
            assert len(session.run_round(["good"], 1, 2)["good"].wall_ms) == 2
        phone.wait_until_clean()


def test_a_full_device_is_named_and_left_clean(model, tmp_path, binds):
    with peers.running_phone(data_size=1 << 20, binds=binds) as phone:
        huge = tmp_path / "huge.tflite"
        huge.write_bytes(bytes(3 << 20))
        with device_on(phone).open(SETTINGS) as session:
            session.load({"m": model()})
            with pytest.raises(DeviceFull, match="no space left") as caught:
                session.load({"huge": huge})
            assert "remote_dir" in str(caught.value)
        phone.wait_until_clean()


def test_two_measurements_at_once_take_turns(phone, model):
    path = model()
    taken = {}

    def measure(name):
        with device_on(phone).open(SETTINGS) as session:
            session.load({"m": path})
            taken[name] = [session.run_round(["m"], 1, 5)["m"].wall_ms for _ in range(3)]

    threads = [threading.Thread(target=measure, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    # The double counts its starts in the session's own folder.
    alone = [[1 + (2 + run + 5 * round) / 1000 for run in range(5)] for round in range(3)]
    for name in "ab":
        for found, expected in zip(taken[name], alone, strict=True):
            assert found == pytest.approx(expected)
    # It also notes whether another one was running: see tests/support/adbd.
    assert phone.shell("cat /data/together 2>/dev/null").output == ""


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_measurement_leaves_nothing_behind(phone, model, kill):
    program = """
import sys
from pathlib import Path
from devices.settings import RunSettings
from devices.device_profile import Profile
from devices.profile_files import open_device
serial, tool, model = sys.argv[1:]
options = {"serial": serial, "benchmark_model": tool}
with open_device(Profile("x", "adb", options=options)).open(RunSettings("litert")) as session:
    session.load({"m": Path(model)})
    print("ready", flush=True)
    session.run_round(["m"], 1, 50)
"""
    path = model(do="leave", after=3)
    process = subprocess.Popen(
        [sys.executable, "-c", program, phone.serial, DOUBLE, path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    phone.wait_for_process("sleep 71")
    process.send_signal(kill)
    _, told = process.communicate(timeout=20)
    if kill == signal.SIGINT:
        assert "KeyboardInterrupt" in told
        assert phone.leftovers() == ""
    phone.wait_until_clean()


# --- measuring with our own runner on the device's Python -----------------------------------------


@pytest.fixture(scope="module")
def onnx_model(tmp_path_factory: pytest.TempPathFactory):
    """y = relu(x @ w), as an ONNX file, and w."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    w = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["h"]),
            helper.make_node("Relu", ["h"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 64])],
        [numpy_helper.from_array(w, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path_factory.mktemp("onnx") / "m.onnx"
    onnx.save(model, path)
    return path, w


def test_onnx_models_are_timed_by_our_runner_on_the_device(phone, onnx_model):
    path, w = onnx_model
    device = device_on(phone, runner="json")
    with device.open(RunSettings("onnxruntime")) as session:
        session.load({"a": path, "b": path})
        taken = session.run_round(["a", "b"], warmup=2, runs=20)
        x = np.linspace(-1, 1, 64, dtype=np.float32)[None]
        outputs = session.outputs("a", {"x": x})
        told = session.provenance()
        tensors = session.tensors("a")
    for name in ("a", "b"):
        assert len(taken[name].wall_ms) == len(taken[name].cpu_ms) == 20
        assert all(0 < ms < 1000 for ms in taken[name].wall_ms)
        assert taken[name].context["temperature_c"] == [30.5, 30.5]
        assert "round" in taken[name].context
    np.testing.assert_allclose(outputs["y"], np.maximum(x @ w, 0), rtol=1e-5, atol=1e-5)
    assert told["runner"] == "json"
    assert told["runtime"] == "onnxruntime"
    assert told["runtime_version"]
    assert told["affinity"] == [CORES[-1]]
    assert [tensor["name"] for tensor in tensors["inputs"]] == ["x"]
    assert phone.leftovers() == ""


@pytest.mark.parametrize(
    ("options", "settings", "message"),
    [
        ({"python": "python-nonesuch"}, RunSettings("onnxruntime"), "has no Python"),
        ({"python": "python3"}, RunSettings("nonesuch"), "nonesuch"),
        ({"python": "python3"}, RunSettings("onnxruntime", affinity=(63,)), "63"),
    ],
)
def test_a_device_that_cannot_run_our_runner_says_so_when_it_is_opened(
    phone, options, settings, message
):
    with pytest.raises(DeviceError, match=message) as caught:
        device_on(phone, runner="json", **options).open(settings)
    assert isinstance(caught.value, RunnerRefused)


def test_a_broken_model_is_refused_by_our_runner(phone, tmp_path):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"\0\1\2\3")
    with device_on(phone, runner="json").open(RunSettings("onnxruntime")) as session:
        with pytest.raises(DeviceError):
            session.load({"m": broken})
        with pytest.raises(UsageError, match=r"ends in \.onnx"):
            session.load({"m": broken.rename(tmp_path / "m.tflite")})


def test_garbage_from_our_runner_gives_no_number_and_what_came_before_is_kept(phone, onnx_model):
    path, _ = onnx_model
    device = device_on(phone, runner="json", python="python-garbage")
    with device.open(RunSettings("onnxruntime")) as session:
        session.load({"a": path, "b": path})
        with pytest.raises(RunnerCrashed, match="did not answer to round") as caught:
            session.run_round(["a", "b"], 1, 10)
    assert len(caught.value.partial["a"].wall_ms) == 10
    assert "b" not in caught.value.partial


def test_a_session_that_has_ended_says_so(phone, model):
    session = device_on(phone).open(SETTINGS)
    session.close()
    session.close()
    with pytest.raises(DeviceError, match="has ended"):
        session.load({"m": model()})
    with contextlib.suppress(DeviceError):
        session.state()
    assert phone.leftovers() == ""
