"""``nasprof measure`` on a device behind a real debug daemon, as its user runs it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import peers
import pytest
from click.testing import CliRunner

from profiler.cli import main as nasprof

pytestmark = pytest.mark.adbd

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|"


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch, peers.running_phone() as phone:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield phone


@pytest.fixture
def arch(tmp_path: Path) -> Path:
    path = tmp_path / "cell.txt"
    path.write_text(CELL)
    return path


def arguments(phone, arch, *more):
    options = ("--device", "android", "--serial", phone.serial, "--set", "runner=json")
    return [str(arg) for arg in ("measure", *options, "--arch", arch, *more)]


@pytest.mark.parametrize("runtime", ["litert", "onnxruntime"])
def test_an_architecture_is_measured_on_the_device_and_nothing_is_left(phone, arch, runtime):
    more = ("--runtime", runtime, "--protocol", "fixed:rounds=2,runs=5", "--json")
    result = CliRunner().invoke(nasprof, arguments(phone, arch, *more))
    assert result.exit_code == 0, result.stderr
    (item,) = json.loads(result.stdout)
    assert item["arch"] == {"space": "nasbench201", "cell": CELL}
    assert (item["device"], item["runtime"]) == ("android", runtime)
    assert item["device_fingerprint"]["kind"] == "adb"
    assert item["runtime_facts"]["push_verified_by"] == ["sha256"]
    assert len(item["samples_ms"]) >= 10
    assert item["cpu_ms"]["trimmed_mean"] > 0
    phone.wait_until_clean()


@pytest.mark.parametrize("how", ["Ctrl-C", "device vanishes"])
def test_an_interrupted_measurement_keeps_its_samples(how, arch, tmp_path):
    saved = tmp_path / "results.jsonl"
    with peers.running_phone() as phone:
        more = ("--protocol", "fixed:rounds=100000,runs=5", "--save", saved)
        command = [Path(sys.executable).with_name("nasprof"), *arguments(phone, arch, *more)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        phone.wait_for_process("runner.pyz")
        time.sleep(4)
        if how == "Ctrl-C":
            process.send_signal(signal.SIGINT)
        else:
            phone.stop()
        _, stderr = process.communicate(timeout=60)
        if how == "Ctrl-C":
            phone.wait_until_clean()
    assert process.returncode == 1
    assert "Traceback" not in stderr
    assert "marked where incomplete" in stderr
    (record,) = map(json.loads, saved.read_text().splitlines())
    assert "incomplete" in record["flags"]
    assert len(record["samples_ms"]) >= 5
