"""``nassearch generate`` for a device behind a real debug daemon, verified there."""

import json

import peers
import pytest
from click.testing import CliRunner
from tables import CELLS as SPACE
from tables import QUICK_PROTOCOL as PROTOCOL
from trade_offs import accuracy_by_macs

from profiler.cli import main as nasprof
from search.cli import main as nassearch

pytestmark = pytest.mark.adbd


def accepted(command, *args):
    result = CliRunner().invoke(command, [str(arg) for arg in args])
    assert result.exit_code == 0, result.stderr
    return result


def test_answers_are_measured_on_the_device_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    accuracy_by_macs(SPACE, tmp_path / "macs.npz")
    table, budget_ms = tmp_path / "phone.json", 1000
    settings = [f"--set={key}={value}" for key, value in SPACE.settings.items() if key != "space"]
    models = ("--accuracy", tmp_path / "macs.npz", "--lut", table)
    with peers.running_phone() as phone:
        device = ("--device", "android", "--serial", phone.serial, "--device-set", "runner=json")
        more = ("--runtime", "litert", "--protocol", PROTOCOL, "--audit", 3, "--calibrate", 2)
        accepted(
            nasprof, "build-lut", "--space", SPACE.name, *settings, *device, *more, "-o", table
        )
        accepted(nassearch, "train", *models, *device, "--set", "steps=5")
        asked = ("generate", "--budget", f"{budget_ms}ms", *models, *device, "--json")
        predicted = json.loads(accepted(nassearch, *asked).stdout)
        assert predicted["results"][0]["measured_ms"] is None
        told = accepted(nassearch, *asked, "--verify")
        phone.wait_until_clean()
    found = json.loads(told.stdout)
    assert (found["device"], found["lut"]) == ("android", "phone")
    assert 0 < found["results"][0]["measured_ms"] < budget_ms
    assert "Measuring the answers on 'android'" in told.stderr
