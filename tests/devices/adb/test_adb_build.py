"""``nasprof build-lut`` on a device behind a real debug daemon, as its user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import peers
import pytest
from click.testing import CliRunner

from luts import read_cost_model
from profiler.cli import main as nasprof

pytestmark = pytest.mark.adbd


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def arguments(phone, path, *more):
    device = ("--device", "android", "--serial", phone.serial, "--device-set", "runner=json")
    space = ("--resolution", 128, "--runtime", "litert")
    return [str(arg) for arg in ("build-lut", *space, *device, "-o", path, *more)]


def visits(journal):
    if not journal.exists():
        return []
    lines = (json.loads(line) for line in journal.read_text().splitlines() if line.endswith("}"))
    return [line["visit"] for line in lines if "visit" in line]


def wait_for(condition, process, limit_s=60):
    end = time.monotonic() + limit_s
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_table_is_built_audited_and_nothing_is_left(tmp_path):
    path = tmp_path / "phone.json"
    more = ("--protocol", "table:visits=4,rounds=2,repeats=0", "--audit", 3, "--calibrate", 2)
    with peers.running_phone() as phone:
        result = CliRunner().invoke(nasprof, arguments(phone, path, *more))
        assert result.exit_code == 0, result.stderr
        phone.wait_until_clean()
    table = read_cost_model(path)
    assert len(table.entries) == 93
    assert {entry.count for entry in table.entries.values()} == {8}
    assert table.provenance["device_fingerprint"]["kind"] == "adb"
    assert table.audit.after.n == 3
    assert "98 models; measuring will take about" in result.stderr


def test_a_device_that_dies_at_block_40_of_93_and_comes_back_finishes_the_table(tmp_path):
    path = tmp_path / "phone.json"
    journal = tmp_path / "phone.json.journal"
    more = ("--protocol", "table:warmup=5,runs=20,visits=1,rounds=2,repeats=0", "--patience", 60)
    more += ("--audit", 0, "--calibrate", 0)
    with peers.running_phone() as phone:
        command = [Path(sys.executable).with_name("nasprof"), *arguments(phone, path, *more)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            wait_for(lambda: len(visits(journal)) >= 40, process)
            phone.stop()
            seen = len(visits(journal))
            time.sleep(2)
            assert process.poll() is None
            assert len(visits(journal)) < 93
            phone.start()
            _, stderr = process.communicate(timeout=120)
        finally:
            process.kill()
        assert process.returncode == 0, stderr
        phone.wait_until_clean()
    table = read_cost_model(path)
    assert 40 <= seen < 93
    assert table.missing() == []
    assert all(entry.count >= 40 for entry in table.entries.values())
    assert not journal.exists()
