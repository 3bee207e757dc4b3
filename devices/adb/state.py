"""What a device is and how it is doing: pure parsers of what its shell tells.

Everything is optional: a Linux board has no ``getprop`` and no ``dumpsys``, a virtual machine no
frequencies. What is not told is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from devices.cpus import MAX_CPUS
from devices.foreign import clean, lines_of, number, whole
from nasprof.errors import UsageError
from nasprof.typing import JsonObject

PROPERTIES = {
    "manufacturer": "ro.product.manufacturer",
    "brand": "ro.product.brand",
    "model": "ro.product.model",
    "soc_manufacturer": "ro.soc.manufacturer",
    "soc": "ro.soc.model",
    "platform": "ro.board.platform",
    "hardware": "ro.hardware",
    "abi": "ro.product.cpu.abi",
    "android": "ro.build.version.release",
    "build": "ro.build.fingerprint",
}
"""Fields of a fingerprint -> Android's property."""

_CPU = "/sys/devices/system/cpu/cpu[0-9]*"

# One grep reads any number of files; a cat each would take a second on a phone.
FACTS_SCRIPT = f"""
echo @@props
for p in {" ".join(PROPERTIES.values())}; do echo "$p=$(getprop $p)"; done 2>/dev/null
echo @@uname; uname -srm
echo @@os; grep -s PRETTY_NAME= /etc/os-release
echo @@cpu; grep -s 'model name' /proc/cpuinfo
echo @@board; cat /proc/device-tree/model 2>/dev/null; echo
echo @@count; grep -c ^processor /proc/cpuinfo
echo @@sysfs; grep -sH . {_CPU}/cpufreq/cpuinfo_max_freq
"""

STATE_SCRIPT = f"""
echo @@battery; dumpsys battery 2>/dev/null
echo @@thermal; dumpsys thermalservice 2>/dev/null
echo @@load; cat /proc/loadavg
echo @@sysfs; grep -sH . {_CPU}/cpufreq/scaling_cur_freq {_CPU}/cpufreq/scaling_max_freq \
{_CPU}/cpufreq/scaling_governor /sys/class/thermal/thermal_zone*/type \
/sys/class/thermal/thermal_zone*/temp /sys/class/thermal/cooling_device*/type \
/sys/class/thermal/cooling_device*/cur_state
"""

CPU_SENSOR, SKIN_SENSOR, BATTERY_SENSOR = 0, 3, 2
_CELSIUS = (-273.15, 1e4)
_SENSOR = re.compile(
    r"Temperature\{mValue=([-+\d.eE]+), mType=(-?\d+), mName=([^,}\n]+), mStatus=\d+"
)
_MAX_KHZ = 10**8
_NOT_TEMPERATURES = (6, 7, 8)  # Android lists voltage, current and percentage limits among them.


@dataclass(frozen=True)
class Thermal:
    """What Android's thermal service tells.

    Args:
        status: 0 none, 1 light, 2 moderate, 3 severe, 4 critical, ...; None if it is not told.
        temperatures_c: by sensor.
        kinds: Android's type number of each sensor (0 CPU, 2 battery, 3 skin).
    """

    status: int | None = None
    temperatures_c: dict[str, float] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)


def split_sections(text: str) -> dict[str, str]:
    """Text between lines ``@@name``, by name."""
    parts = re.split(r"^@@(\w+)\n?", text, flags=re.MULTILINE)
    return {name: body.strip("\n") for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def parse_facts(text: str) -> JsonObject:
    """What identifies the device, from the output of :data:`FACTS_SCRIPT`.

    Returns:
        The fields of :data:`PROPERTIES`, ``kernel``, ``os``, ``board``, ``cpu``, ``cores`` and
        ``max_khz`` (by core); those that are known.
    """
    sections = split_sections(text)
    pairs = (line.partition("=") for line in lines_of(sections.get("props", "")))
    properties = {key: value for key, equals, value in pairs if equals}
    raw: dict[str, str] = {name: properties.get(key, "") for name, key in PROPERTIES.items()}
    raw["kernel"] = sections.get("uname", "")
    raw["os"] = sections.get("os", "").partition("=")[2].strip().strip('"')
    raw["board"] = sections.get("board", "")
    raw["cpu"] = sections.get("cpu", "").partition("\n")[0].partition(":")[2]
    facts: JsonObject = {name: clean(value) for name, value in raw.items()}
    facts["cores"] = whole(sections.get("count", ""), 1, MAX_CPUS)
    facts["max_khz"] = _per_core(parse_sysfs(sections.get("sysfs", "")), "cpuinfo_max_freq")
    if not facts["model"]:
        facts["model"] = facts["board"] or facts["cpu"]
    return {name: value for name, value in facts.items() if value}


def parse_state(text: str) -> JsonObject:
    """How the device is doing, from the output of :data:`STATE_SCRIPT`.

    Returns:
        ``cur_khz``, ``limit_khz`` (by core), ``governor``, ``battery``, ``thermal_status``,
        ``temperatures_c`` (by sensor), ``temperature_c`` (the one that counts), ``cooling`` (by
        CPU cooling device in action) and ``load``; those that are known.
    """
    sections = split_sections(text)
    sysfs = parse_sysfs(sections.get("sysfs", ""))
    thermal = parse_thermalservice(sections.get("thermal", ""))
    zones = _zones(sysfs)
    governors = sorted(
        {clean(value) for path, value in sysfs.items() if path.endswith("/scaling_governor")}
    )
    state: JsonObject = {
        "cur_khz": _per_core(sysfs, "scaling_cur_freq"),
        "limit_khz": _per_core(sysfs, "scaling_max_freq"),
        "governor": clean(", ".join(governors)),
        "battery": parse_battery(sections.get("battery", "")),
        "thermal_status": thermal.status,
        "temperatures_c": thermal.temperatures_c or zones,
        "temperature_c": decisive_temperature_c(thermal, zones),
        "cooling": _cooling(sysfs),
        "load": _load(sections.get("load", "")),
    }
    return {name: value for name, value in state.items() if value not in (None, "", {})}


def _load(text: str) -> str:
    word = next(iter(text.split()), "")
    return "" if number(word, 0, 1e6) is None else word


def parse_sysfs(text: str) -> dict[str, str]:
    """Lines ``path:value`` as written by ``grep -H``."""
    lines = (line.partition(":") for line in lines_of(text) if line.startswith("/"))
    return {path: value for path, colon, value in lines if colon}


def parse_thermalservice(text: str) -> Thermal:
    """The output of ``dumpsys thermalservice``; sensors as the hardware has them now, if told."""
    text = "\n".join(lines_of(text))
    status = re.search(r"^[ \t]*Thermal Status:[ \t]*([0-9]+)[ \t]*$", text, re.MULTILINE)
    current = text.partition("Current temperatures from HAL:")[2].partition("\nCurrent cooling")[0]
    thermal = Thermal(whole(status[1], 0, 6) if status else None)
    for value, kind, name in _SENSOR.findall(current) or _SENSOR.findall(text):
        celsius, type_number = number(value, *_CELSIUS), whole(kind, -1, 99)
        if celsius is None or type_number is None or type_number in _NOT_TEMPERATURES:
            continue
        if 0 < celsius < 200:
            thermal.temperatures_c[clean(name)] = celsius
            thermal.kinds[clean(name)] = type_number
    return thermal


def parse_battery(text: str) -> JsonObject:
    """The output of ``dumpsys battery``: ``level`` (%), ``temperature_c``, ``powered``."""
    pairs = (line.partition(": ") for line in lines_of(text))
    values = {key.strip(): value.strip() for key, colon, value in pairs if colon}
    battery: JsonObject = {}
    if (level := whole(values.get("level", ""), 0, 100)) is not None:
        battery["level"] = level
    # Tenths of a degree.
    if (tenths := whole(values.get("temperature", ""), -1000, 2000)) is not None:
        battery["temperature_c"] = tenths / 10
    if battery:
        battery["powered"] = any(
            values.get(f"{source} powered") == "true" for source in ("AC", "USB", "Wireless")
        )
    return battery


def decisive_temperature_c(thermal: Thermal, zones: Mapping[str, float]) -> float | None:
    """The temperature to wait for: the hottest CPU sensor, else skin, else battery, else zone."""
    for kind in (CPU_SENSOR, SKIN_SENSOR, BATTERY_SENSOR):
        temperatures_c = [
            thermal.temperatures_c[name] for name, k in thermal.kinds.items() if k == kind
        ]
        if temperatures_c:
            return max(temperatures_c)
    named = [c for name, c in zones.items() if re.search(r"cpu|soc|pkg|big|mid|little", name, re.I)]
    return max(named or zones.values(), default=None)


def throttled(state: JsonObject, before: JsonObject) -> bool:
    """Whether the device is held back by heat, compared with how it was ``before``."""
    if state.get("thermal_status", 0) > 0 or state.get("cooling"):
        return True
    limits = before.get("limit_khz", {})
    return any(khz < limits.get(core, 0) for core, khz in state.get("limit_khz", {}).items())


def big_cores(max_khz: Mapping[str, int], threads: int = 1) -> tuple[int, ...] | None:
    """The fastest clusters of cores that together have a core for every thread.

    Args:
        max_khz: highest frequency of each core; None is returned if they are unknown.
        threads: threads to be run.
    """
    cores: list[int] = []
    for khz in sorted(set(max_khz.values()), reverse=True):
        cores += [int(core) for core, its in max_khz.items() if its == khz]
        if len(cores) >= threads:
            break
    return tuple(sorted(cores)) or None


def taskset_mask(cores: Iterable[int]) -> str:
    """Core numbers as the hexadecimal mask that every ``taskset`` understands.

    Raises:
        UsageError: a number is none of a core.
    """
    chosen = set(cores)
    for core in chosen:
        if not 0 <= core < MAX_CPUS:
            raise UsageError(f"core {core} cannot exist", f"Expected 0 to {MAX_CPUS - 1}.")
    return f"{sum(1 << core for core in chosen):x}"


def _per_core(sysfs: Mapping[str, str], name: str) -> dict[str, int]:
    # Numbers as strings: so they stay the same when written as JSON and read again.
    values: dict[int, int] = {}
    for path, value in sysfs.items():
        match = re.search(rf"/cpu([0-9]+)/cpufreq/{name}$", path)
        core = whole(match[1], 0, MAX_CPUS - 1) if match else None
        khz = whole(value, 1, _MAX_KHZ)
        if core is not None and khz is not None:
            values[core] = khz
    return {str(core): khz for core, khz in sorted(values.items())}


def _zones(sysfs: Mapping[str, str]) -> dict[str, float]:
    zones: dict[str, float] = {}
    for path, value in sysfs.items():
        folder, _, file = path.rpartition("/")
        zone = re.search(r"/thermal_zone([0-9]{1,9})$", folder)
        reported = whole(value, -(10**6), 10**6)
        if file != "temp" or zone is None or reported is None:
            continue
        # Thousandths of a degree by convention, but some drivers give degrees.
        celsius = reported / 1000 if abs(reported) >= 1000 else float(reported)
        if 0 < celsius < 200:
            kind = clean(sysfs.get(f"{folder}/type", "zone"))
            zones[kind if kind not in zones else f"{kind}-{zone[1]}"] = celsius
    return zones


def _cooling(sysfs: Mapping[str, str]) -> dict[str, int]:
    active: dict[str, int] = {}
    for path, value in sysfs.items():
        folder, _, file = path.rpartition("/")
        if file != "cur_state" or not re.search(r"/cooling_device[0-9]+$", folder):
            continue
        kind = clean(sysfs.get(f"{folder}/type", ""))
        state = whole(value, 1, 10**6)
        if state is not None and re.search(r"cpu|processor", kind, re.I):
            active[kind] = state
    return active
