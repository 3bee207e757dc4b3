"""This machine as a device, with every runtime."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from device_suite import FAULTY, FORMATS, DeviceSuite, DeviceUnderTest
from measuring import measure

from devices import DeviceTimeout, RunnerCrashed, RunSettings, open_device
from devices.contention import CONTENDED
from devices.device_profile import Profile
from devices.host import available_cpus, least_loaded
from nasprof.errors import UsageError
from profiler.lowering import lower
from profiler.measuring.interruption import Interrupted
from profiler.measuring.protocol import parse_protocol
from profiler.model_files.model_file import ModelFile
from spaces import get_space
from spaces.graph import Network
from spaces.weights import random_weights

BUSY_LOOP = "import os, sys\nos.sched_setaffinity(0, [int(sys.argv[1])])\nwhile True: pass"


def cpu(**options):
    return open_device(Profile("cpu", "cpu", options=options))


def runners():
    """Ids of the processes that this one has started and that are still there."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            status = (folder / "status").read_text()
        except OSError:
            continue
        if b"devices.runner" in command and f"PPid:\t{os.getpid()}\n" in status:
            found.append(folder.name)
    return sorted(found)


@pytest.fixture(params=FORMATS, scope="module")
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    if request.param == "torch":
        pytest.importorskip("torch")
    return DeviceUnderTest(
        device=cpu(),
        runtime=request.param,
        folder=tmp_path_factory.mktemp(request.param),
        impatient=cpu(timeout_s=1.0),
        leftovers=runners,
    )


class TestCpu(DeviceSuite):
    pass


def test_fingerprint_names_cpu_and_system():
    found = cpu().fingerprint()
    assert found["kind"] == "cpu"
    assert found["cores"] == os.cpu_count()
    assert 1 <= found["physical_cores"] <= found["cores"]
    assert found["cpu"] in Path("/proc/cpuinfo").read_text()
    assert found["memory_mb"] > 100
    assert found["kernel"] == os.uname().release


@pytest.mark.parametrize(
    ("word", "kind", "words"),
    [("hang", DeviceTimeout, "took more than 1 s"), ("crash", RunnerCrashed, "SIGSEGV")],
)
def test_a_session_says_again_what_ended_it(tmp_path, word, kind, words):
    path = tmp_path / "model"
    path.write_text(word)
    with cpu(timeout_s=1.0).open(RunSettings(FAULTY)) as session:
        session.load({"m": path})
        assert session.ended is None
        for _ in range(2):
            with pytest.raises(kind, match=words):
                session.run_round(["m"], 0, 1)
    with pytest.raises(kind, match=words):
        session.load({"m": path})


def test_patience_does_not_hide_why_a_session_of_this_machine_ended(tmp_path):
    path = tmp_path / "model"
    path.write_text("hang")
    items, protocol = [ModelFile("m", path)], parse_protocol("quick:sentinel=off")
    device, rng = cpu(timeout_s=1.0), np.random.default_rng(0)
    with pytest.raises(Interrupted, match="took more than 1 s") as caught:
        measure(device, RunSettings(FAULTY), items, protocol, rng, patience_s=3600)
    assert isinstance(caught.value.cause, DeviceTimeout)


def test_affinity_is_set_in_the_runner_and_not_here():
    before = os.sched_getaffinity(0)
    chosen = max(before)
    with cpu().open(RunSettings(FAULTY, affinity=(chosen,))) as session:
        assert os.sched_getaffinity(session.pid) == {chosen}
        assert session.provenance()["affinity"] == [chosen]
    assert os.sched_getaffinity(0) == before


def test_the_profiles_affinity_is_used_and_settings_win():
    cpus = available_cpus()
    device = open_device(Profile("cpu", "cpu", affinity=(cpus[0],)))
    with device.open(RunSettings(FAULTY)) as session:
        assert os.sched_getaffinity(session.pid) == {cpus[0]}
    with device.open(RunSettings(FAULTY, affinity=(cpus[-1],))) as session:
        assert os.sched_getaffinity(session.pid) == {cpus[-1]}


@pytest.mark.skipif(len(available_cpus()) < 2, reason="ONE CPU: there is nothing to choose")
def test_without_affinity_as_many_cpus_as_threads_are_chosen():
    assert len(least_loaded(1)) == 1
    assert set(least_loaded(1)) <= set(available_cpus())
    assert least_loaded(len(available_cpus())) is None


def test_more_threads_than_cpus_stay_unbound():
    with cpu().open(RunSettings(FAULTY, threads=len(available_cpus()))) as session:
        assert session.provenance()["affinity"] == available_cpus()


def test_variables_that_change_runtimes_do_not_reach_the_runner(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    monkeypatch.setenv("KMP_AFFINITY", "scatter")
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    monkeypatch.setenv("ORT_LOGGING_LEVEL", "0")
    monkeypatch.setenv("HARMLESS", "yes")
    with cpu().open(RunSettings(FAULTY)) as session:
        text = Path(f"/proc/{session.pid}/environ").read_bytes().split(b"\0")
    variables = dict(entry.split(b"=", 1) for entry in text if entry)
    assert variables[b"OMP_NUM_THREADS"] == b"1"
    assert b"KMP_AFFINITY" not in variables
    assert b"ORT_LOGGING_LEVEL" not in variables
    assert variables[b"ORT_DISABLE_TELEMETRY"] == b"1"
    assert variables[b"HARMLESS"] == b"yes"


def test_an_unknown_profile_option_is_named():
    with pytest.raises(UsageError, match="no option 'serial'"):
        cpu(serial="host:5555")


@pytest.mark.parametrize("value", [0, -1, "soon", True])
def test_a_senseless_time_limit_is_named(value):
    with pytest.raises(UsageError, match="timeout_s"):
        cpu(timeout_s=value)


def test_check_tells_what_is_missing():
    profile = Profile("cpu", "cpu", runtime="no_such_runtime")
    reachability = open_device(profile).check()
    assert not reachability.ok
    assert "no_such_runtime" in reachability.detail


@pytest.mark.parametrize("threads", [1, 2])
def test_a_busy_loop_on_the_models_core_is_always_flagged(threads, tmp_path):
    model = tmp_path / "fine.onnx"
    model.write_text("fine")
    busy = subprocess.Popen([sys.executable, "-c", BUSY_LOOP, str(available_cpus()[0])])
    try:
        settings = RunSettings(FAULTY, threads, tuple(available_cpus()[:threads]))
        with cpu().open(settings) as session:
            session.load({"fine": model})
            for _ in range(3):
                taken = session.run_round(["fine"], warmup=5, runs=2000)["fine"]
                assert CONTENDED in taken.flags, taken.context
                assert taken.context["contended_because"]
    finally:
        busy.kill()
        busy.wait()


def test_ctrl_c_ends_the_runner_and_keeps_what_was_measured(tmp_path):
    """A real SIGINT to a real process that measures a model which takes for ever."""
    (tmp_path / "fine.onnx").write_text("fine")
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        import sys
        from pathlib import Path
        import numpy as np
        from devices import Backend, RunSettings, open_device
        from devices.device_profile import Profile
        from profiler.measuring.interruption import Cancelled
        from profiler.measuring.measure import measure_files
        from profiler.measuring.protocol import parse_protocol
        from profiler.measuring.request import Listeners, MeasureRequest
        from profiler.model_files.model_file import ModelFile

        device = open_device(Profile("cpu", "cpu"))
        items = [ModelFile("fine", Path({str(tmp_path / "fine.onnx")!r}))]
        protocol = parse_protocol("fixed:rounds=100000,runs=5,warmup=0")
        def progress(status):
            print("round", status.rounds, flush=True)
        try:
            backend = Backend(device, RunSettings({FAULTY!r}))
            measure_files(items, MeasureRequest(
                backend, protocol, np.random.default_rng(0), listeners=Listeners(progress)))
        except Cancelled as error:
            [partial] = error.measurements
            print("kept", len(partial.samples_ms), partial.flags, partial.stopped, flush=True)
            sys.exit(error.exit_code)
        """)
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment
    )
    children = []
    for line in process.stdout:
        if line.startswith("round 3"):
            children = _children(process.pid)
            process.send_signal(signal.SIGINT)
            break
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "'incomplete'" in output
    assert "interrupted" in output
    assert len(children) == 1
    deadline = time.monotonic() + 10
    while Path(f"/proc/{children[0]}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{children[0]}").exists()


def _children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _onnx_files(folder, count):
    network = Network.of(get_space("ofa-mbv3", resolution=128).vocabulary[3])
    weights = random_weights(network, np.random.default_rng(0))
    paths = {str(number): folder / f"{number}.onnx" for number in range(count)}
    for path in paths.values():
        lower(network, weights, path, "onnx")
    return paths


@pytest.mark.parametrize(("spinning", "shared"), [(True, True), (False, False)])
def test_models_of_onnx_runtime_share_one_pool_of_spinning_threads(tmp_path, spinning, shared):
    """A pool for each would go on spinning, on the cores of the model whose turn it is next."""

    def threads(count):
        settings = RunSettings("onnxruntime", 2, options={"spinning": spinning})
        with cpu().open(settings) as session:
            assert session.provenance()["facts"]["spinning"] is spinning
            session.load(_onnx_files(tmp_path, count))
            session.run_round([str(number) for number in range(count)], 1, 1)
            return len(list(Path(f"/proc/{session.pid}/task").iterdir()))

    assert (threads(4) == threads(1)) is shared


def test_litert_runs_without_xnnpack_where_asked(tmp_path):
    network = Network.of(get_space("ofa-mbv3", resolution=128).vocabulary[3])
    path = tmp_path / "m.tflite"
    lower(network, random_weights(network, np.random.default_rng(0)), path, "tflite")
    image = {"input": np.ones((1, *network.inputs[0]), np.float32)}
    outputs = []
    for allowed in (True, False):
        with cpu().open(RunSettings("litert", options={"xnnpack": allowed})) as session:
            assert session.provenance()["facts"]["xnnpack_allowed"] is allowed
            session.load({"m": path})
            (output,) = session.outputs("m", image).values()
            outputs.append(output)
    np.testing.assert_allclose(*outputs, atol=1e-5 * np.abs(outputs[0]).max())
    # Other kernels round differently.
    assert not np.array_equal(*outputs)
