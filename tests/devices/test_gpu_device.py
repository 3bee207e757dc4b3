"""The GPU device on machines without one: what it asks, what it refuses, what it reads."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from devices import DeviceUnreachable, RunnerRefused, RunSettings, open_device
from devices.device_profile import Profile
from devices.gpu import is_throttled
from devices.profile_files import find_profile
from nasprof.errors import UsageError

SMI = """#!/bin/sh
case "$*" in
  *--id=0*name,*) echo "NVIDIA H200, 570.86.15, 143771, 1980, 3201, 9.0" ;;
  *--id=0*clocks.sm*) echo "1980, 3201, 41, 118.52, P0, [N/A], {reasons}" ;;
  *) echo "No devices were found"; exit 6 ;;
esac
"""

# Behaves as onnxruntime-gpu does where its CUDA libraries load, or, with the CPU provider
# running, where they do not: a warning and a session on the CPU.
RUNTIME = """
    __version__ = "9.9"
    cuda_version = "12.8"
    def get_available_providers():
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]
    def set_default_logger_severity(level):
        pass
    class Value:
        name, type, shape = "x", "tensor(float)", ["n", 2]
    class SessionOptions:
        def __init__(self):
            self.entries = {{}}
        def add_session_config_entry(self, key, value):
            self.entries[key] = value
    class OrtValue:
        @staticmethod
        def ortvalue_from_numpy(array, memory, index):
            assert (memory, index) == ("cuda", 0), (memory, index)
            return array
    class Binding:
        synchronized = 0
        def bind_ortvalue_input(self, name, value):
            assert value.shape == (1, 2)
        def bind_output(self, name, memory, index):
            assert (memory, index) == ("cuda", 0), (memory, index)
        def synchronize_inputs(self):
            pass
        def synchronize_outputs(self):
            Binding.synchronized += 1
    class InferenceSession:
        def __init__(self, path, options, providers):
            assert providers == [("CUDAExecutionProvider", {{"device_id": "0"}})], providers
            assert options.entries["session.disable_cpu_ep_fallback"] == "1"
            self.runs = 0
        def get_providers(self):
            return {running}
        def get_inputs(self):
            return [Value]
        def get_outputs(self):
            return [Value]
        def io_binding(self):
            return Binding()
        def run_with_iobinding(self, binding):
            # Each run has to be waited for before the next one begins.
            assert Binding.synchronized == self.runs, (Binding.synchronized, self.runs)
            self.runs += 1
"""


@pytest.fixture
def gpu():
    return open_device(find_profile("gpu"))


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """An nvidia-smi that tells of one GPU."""

    def install(reasons="0x0000000000000000"):
        path = tmp_path / "bin" / "nvidia-smi"
        path.parent.mkdir(exist_ok=True)
        path.write_text(SMI.format(reasons=reasons))
        path.chmod(0o755)

    install()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return install


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """An ``onnxruntime`` whose sessions run on the given providers."""

    def install(*running):
        folder = tmp_path / "site" / "onnxruntime"
        folder.mkdir(parents=True)
        source = textwrap.dedent(RUNTIME).format(running=list(running))
        (folder / "__init__.py").write_text(source)
        monkeypatch.syspath_prepend(folder.parent)

    return install


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"read by no one here")
    return path


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="THERE IS A DRIVER HERE")
def test_without_a_driver_it_says_so(gpu):
    reachability = gpu.check()
    assert not reachability.ok
    assert "nvidia-smi is not installed" in reachability.detail
    with pytest.raises(DeviceUnreachable, match="no NVIDIA driver"):
        gpu.open(RunSettings("onnxruntime"))


def test_a_gpu_that_is_not_there_is_named(smi):
    device = open_device(Profile("gpu", "gpu", options={"device_index": 3}))
    assert not device.check().ok
    with pytest.raises(DeviceUnreachable, match="GPU 3 cannot be used: No devices were found"):
        device.open(RunSettings("onnxruntime"))


def test_the_cpu_wheel_is_refused(gpu, smi):
    """The real ONNX Runtime of this environment has no CUDA provider."""
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("THIS ONNX RUNTIME HAS CUDA")
    reachability = gpu.check()
    assert not reachability.ok
    assert "no provider 'cuda'" in reachability.detail
    with pytest.raises(RunnerRefused, match="no provider 'cuda'"):
        gpu.open(RunSettings("onnxruntime"))


def test_torch_without_cuda_is_refused(gpu, smi):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("THERE IS A GPU HERE")
    with pytest.raises(RunnerRefused, match="no usable NVIDIA GPU"):
        gpu.open(RunSettings("torch"))


def test_a_session_that_fell_back_to_the_cpu_is_refused(gpu, smi, runtime, model):
    runtime("CPUExecutionProvider")
    with (
        gpu.open(RunSettings("onnxruntime")) as session,
        pytest.raises(RunnerRefused, match="runs on CPUExecutionProvider"),
    ):
        session.load({"m": model})


def test_a_session_on_the_gpu_gives_samples_without_cpu_times(gpu, smi, runtime, model):
    runtime("CUDAExecutionProvider", "CPUExecutionProvider")
    assert gpu.check().ok
    with gpu.open(RunSettings("onnxruntime")) as session:
        assert session.provenance()["facts"]["provider"] == "CUDAExecutionProvider"
        assert session.provenance()["facts"]["cuda"] == "12.8"
        session.load({"m": model})
        taken = session.run_round(["m"], warmup=2, runs=5)["m"]
        assert session.state()["gpu"]["temperature_c"] == 41
    assert len(taken.wall_ms) == 5
    assert taken.cpu_ms is None
    assert "throttled" not in taken.flags
    assert taken.context["gpu"]["sm_mhz"] == 1980


def test_samples_of_a_slowed_down_gpu_are_flagged(gpu, smi, runtime, model):
    smi(reasons="0x0000000000000040")
    runtime("CUDAExecutionProvider")
    with gpu.open(RunSettings("onnxruntime")) as session:
        session.load({"m": model})
        assert "throttled" in session.run_round(["m"], warmup=0, runs=2)["m"].flags


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ("0x0000000000000000", False),
        ("0x0000000000000001", False),  # idle
        ("0x0000000000000004", False),  # power cap of the board
        ("0x0000000000000008", True),  # hardware slowdown
        ("0x0000000000000020", True),  # software thermal slowdown
        ("0x0000000000000040", True),  # hardware thermal slowdown
        ("0x0000000000000084", True),  # power brake and power cap
        (None, False),
    ],
)
def test_throttle_reasons(reasons, expected):
    assert is_throttled(reasons) is expected


def test_fingerprint_is_what_nvidia_smi_tells(gpu, smi):
    found = gpu.fingerprint()
    assert found["kind"] == "gpu"
    assert found["gpu"] == "NVIDIA H200"
    assert found["driver"] == "570.86.15"
    assert found["memory_mb"] == 143771
    assert found["max_sm_mhz"] == 1980
    assert found["compute_capability"] == 9.0


def test_a_senseless_device_index_is_named():
    with pytest.raises(UsageError, match="device_index"):
        open_device(Profile("gpu", "gpu", options={"device_index": "first"}))
