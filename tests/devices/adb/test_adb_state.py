"""What a device is and how it is doing, read from recorded and from real output."""

from __future__ import annotations

import peers
import pytest
from data_files import DATA

from devices.adb.state import (
    FACTS_SCRIPT,
    STATE_SCRIPT,
    Thermal,
    big_cores,
    decisive_temperature_c,
    parse_battery,
    parse_facts,
    parse_state,
    parse_thermalservice,
    split_sections,
    taskset_mask,
    throttled,
)

THERMAL = DATA / "benchmark_model" / "made_thermalservice.txt"

BATTERY = """Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  status: 5
  level: 87
  scale: 100
  temperature: 253
  technology: Li-ion
"""

# The core layout of a Pixel 6 (2 + 2 + 4).
PIXEL_KHZ = {
    **dict.fromkeys("0123", 1803000),
    **dict.fromkeys("45", 2253000),
    **dict.fromkeys("67", 2802000),
}


def sysfs(values):
    return "@@sysfs\n" + "".join(f"{path}:{value}\n" for path, value in values.items())


def cpufreq(name, values):
    base = "/sys/devices/system/cpu/cpu"
    return {f"{base}{core}/cpufreq/{name}": value for core, value in values.items()}


def test_thermalservice_as_phones_write_it():
    thermal = parse_thermalservice(THERMAL.read_text())
    assert thermal.status == 0
    assert thermal.temperatures_c == {"AP": 31.4, "BAT": 27.1}
    assert thermal.kinds == {"AP": 0, "BAT": 2}
    assert decisive_temperature_c(thermal, {}) == 31.4


def test_thermalservice_without_current_values_gives_cached_ones():
    text = (
        "Thermal Status: 3\nCached temperatures:\n"
        "\tTemperature{mValue=41.5, mType=3, mName=skin, mStatus=3}\n"
        "\tTemperature{mValue=3.9, mType=6, mName=vbat, mStatus=0}\n"
        "\tTemperature{mValue=NaN, mType=0, mName=cpu, mStatus=0}\n"
        "HAL Ready: false\n"
    )
    thermal = parse_thermalservice(text)
    assert (thermal.status, thermal.temperatures_c) == (3, {"skin": 41.5}), "vbat is a voltage"


@pytest.mark.parametrize("text", ["", "Can't find service: thermalservice\n", "Thermal Status: x"])
def test_a_device_without_thermalservice_tells_nothing(text):
    assert parse_thermalservice(text) == Thermal()


def test_battery():
    assert parse_battery(BATTERY) == {"level": 87, "temperature_c": 25.3, "powered": True}
    assert parse_battery("") == {}


def test_the_deciding_temperature_is_that_of_the_cpu_then_skin_then_battery_then_zones():
    zones = {"cpu-big": 51.0, "gpu": 60.0}
    both = Thermal(0, {"BAT": 30.0, "SKIN": 33.0}, {"BAT": 2, "SKIN": 3})
    assert decisive_temperature_c(both, zones) == 33.0
    assert decisive_temperature_c(Thermal(0, {"BAT": 30.0}, {"BAT": 2}), zones) == 30.0
    assert decisive_temperature_c(Thermal(), zones) == 51.0
    assert decisive_temperature_c(Thermal(), {"acpitz": 40.0}) == 40.0
    assert decisive_temperature_c(Thermal(), {}) is None


def test_facts_of_an_android_phone():
    text = (
        "@@props\nro.product.model=Pixel 6\nro.product.brand=google\nro.soc.model=GS101\n"
        "ro.product.cpu.abi=arm64-v8a\nro.build.fingerprint=google/oriole/x:14/y\n"
        "ro.hardware=\n@@uname\nLinux 5.10.157 aarch64\n@@os\n@@cpu\n@@board\n\n@@count\n8\n"
        + sysfs(cpufreq("cpuinfo_max_freq", PIXEL_KHZ))
    )
    facts = parse_facts(text)
    assert facts["model"] == "Pixel 6"
    assert facts["soc"] == "GS101"
    assert facts["build"] == "google/oriole/x:14/y"
    assert facts["cores"] == 8
    assert facts["max_khz"] == PIXEL_KHZ
    assert "hardware" not in facts, "what is not told is left out"


def test_facts_of_a_linux_board():
    text = (
        "@@props\nro.product.model=\n@@uname\nLinux 6.1 aarch64\n"
        '@@os\nPRETTY_NAME="Debian GNU/Linux 12"\n@@cpu\n@@board\nRaspberry Pi 5\0\n@@count\n4\n'
        "@@sysfs\n"
    )
    facts = parse_facts(text)
    assert facts["model"] == "Raspberry Pi 5"
    assert facts["os"] == "Debian GNU/Linux 12"
    assert "max_khz" not in facts


def test_zones_in_degrees_and_in_thousandths():
    zone = "/sys/class/thermal/thermal_zone"
    text = sysfs(
        {
            f"{zone}0/type": "cpu-big",
            f"{zone}0/temp": "45300",
            f"{zone}1/type": "cpu-big",
            f"{zone}1/temp": "46",
            f"{zone}2/type": "unused",
            f"{zone}2/temp": "-274000",
        }
    )
    state = parse_state(text)
    assert state["temperatures_c"] == {"cpu-big": 45.3, "cpu-big-1": 46.0}
    assert state["temperature_c"] == 46.0


@pytest.mark.parametrize("text", ["", "garbage\0\n:::\n@@sysfs\n/sys/x\n@@battery\nlevel: full"])
def test_a_device_that_tells_nothing_or_nonsense_is_no_error(text):
    assert parse_state(text) == {}
    assert parse_facts(text) == {}


def test_throttling_is_told_by_status_cooling_and_lowered_limits():
    calm = parse_state(
        "@@thermal\nThermal Status: 0\n" + sysfs(cpufreq("scaling_max_freq", {0: 9, 1: 5}))
    )
    assert not throttled(calm, calm)
    assert throttled(parse_state("@@thermal\nThermal Status: 1\n"), calm)
    lowered = parse_state(sysfs(cpufreq("scaling_max_freq", {0: 8, 1: 5})))
    assert throttled(lowered, calm)
    assert not throttled(calm, lowered), "a limit that rises again is no throttling"
    cooling = {
        "/sys/class/thermal/cooling_device0/type": "thermal-cpufreq-0",
        "/sys/class/thermal/cooling_device0/cur_state": "2",
    }
    assert throttled(parse_state(sysfs(cooling)), calm)
    idle = cooling | {"/sys/class/thermal/cooling_device0/cur_state": "0"}
    assert not throttled(parse_state(sysfs(idle)), calm)
    fan = cooling | {"/sys/class/thermal/cooling_device0/type": "pwm-fan"}
    assert not throttled(parse_state(sysfs(fan)), calm), "a fan does not slow the CPU down"


def test_the_fastest_clusters_that_have_a_core_for_every_thread():
    assert big_cores(PIXEL_KHZ) == (6, 7)
    assert big_cores(PIXEL_KHZ, threads=2) == (6, 7)
    assert big_cores(PIXEL_KHZ, threads=3) == (4, 5, 6, 7)
    assert big_cores(PIXEL_KHZ, threads=64) == tuple(range(8))
    assert big_cores({}) is None


def test_masks_are_plain_hexadecimal():
    assert taskset_mask([6, 7]) == "c0"
    assert taskset_mask([0]) == "1"
    assert taskset_mask([3, 3, 2]) == "c"


@pytest.mark.adbd
def test_scripts_run_on_a_real_linux_device(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    with peers.running_phone() as phone:
        facts = parse_facts(phone.shell(FACTS_SCRIPT).output)
        assert facts["kernel"].startswith("Linux ")
        assert facts["cores"] >= 1
        assert "android" not in facts, "this device has no getprop"
        told = phone.shell(STATE_SCRIPT).output
        assert {"battery", "thermal", "load", "sysfs"} <= split_sections(told).keys()
        assert float(parse_state(told)["load"]) >= 0
