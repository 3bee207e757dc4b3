"""An NVIDIA GPU in this machine, through ONNX Runtime's CUDA provider or torch.cuda.

The runner refuses to give numbers when the provider that runs is not the one asked for, and
copies between host and GPU are not part of what it times.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from typing import ClassVar

from devices.cpu import HostDevice
from devices.device import Reachability
from devices.device_profile import Profile
from devices.errors import DeviceUnreachable
from devices.local import LocalSession
from devices.samples import THROTTLED, Arrived, Samples
from devices.session import Session
from devices.settings import RunSettings
from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.typing import JsonObject

_FIELDS = {
    "name": "gpu",
    "driver_version": "driver",
    "memory.total": "memory_mb",
    "clocks.max.sm": "max_sm_mhz",
    "clocks.max.memory": "max_memory_mhz",
    "compute_cap": "compute_capability",
}
_STATE_FIELDS = {
    "clocks.sm": "sm_mhz",
    "clocks.mem": "memory_mhz",
    "temperature.gpu": "temperature_c",
    "power.draw": "power_w",
    "pstate": "performance_state",
    "utilization.gpu": "utilisation_percent",
    "clocks_throttle_reasons.active": "throttle_reasons",
}
_TEXTS = frozenset({"name", "driver_version", "pstate", "clocks_throttle_reasons.active"})
_UNKNOWN = frozenset({"", "N/A", "ERR!"})
_QUERY_TIMEOUT_S = 10.0
# Bits of NVML's clocks event reasons: hardware slowdown, software and hardware thermal slowdown,
# power brake. Power capping within the board's own limit is its normal way of working.
_THROTTLED = 0x08 | 0x20 | 0x40 | 0x80


class GpuDevice(HostDevice):
    """A GPU, by its number in ``nvidia-smi``.

    Profile options: those of :class:`HostDevice` and ``device_index`` (0 unless given).
    """

    known_options: ClassVar[frozenset[str]] = HostDevice.known_options | {"device_index"}
    default_options: ClassVar[Mapping[str, object]] = {"device_index": 0}

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile)
        self.index = profile.options.get("device_index", 0)
        if type(self.index) is not int or self.index < 0:
            raise UsageError(
                f"{profile.source}: field 'device_index' is {self.index!r}, expected 0 or above"
            )

    def runtime_options(self) -> JsonObject:
        return {"provider": "cuda", "device_index": self.index} | super().runtime_options()

    def check(self) -> Reachability:
        try:
            facts = query_gpu(self.index, _FIELDS)
            with self.open(RunSettings(self.profile.runtime, self.profile.threads)):
                pass
        except Exception as error:
            return Reachability(False, (str(error) or type(error).__name__).splitlines()[0])
        return Reachability(True, f"{facts['gpu']}, driver {facts['driver']}")

    def fingerprint(self) -> JsonObject:
        return super().fingerprint() | query_gpu(self.index, _FIELDS)

    def open(self, settings: RunSettings) -> Session:
        query_gpu(self.index, _STATE_FIELDS)
        return super().open(settings)

    def start(self, settings: RunSettings) -> LocalSession:
        return GpuSession(settings, self.timeout_s, self.index)


class GpuSession(LocalSession):
    """A local session that also watches the GPU's clocks and temperature."""

    def __init__(self, settings: RunSettings, timeout_s: float, index: int) -> None:
        self._index = index
        super().__init__(settings, timeout_s)

    def state(self) -> JsonObject:
        return super().state() | {"gpu": query_gpu(self._index, _STATE_FIELDS)}

    def run_round(
        self, order: Sequence[str], warmup: int, runs: int, arrived: Arrived | None = None
    ) -> dict[str, Samples]:
        round_samples = super().run_round(order, warmup, runs, arrived)
        gpu = query_gpu(self._index, _STATE_FIELDS)
        for samples in round_samples.values():
            samples.context["gpu"] = gpu
            if is_throttled(gpu["throttle_reasons"]):
                samples.flags.append(THROTTLED)
        return round_samples


def is_throttled(reasons: object) -> bool:
    """Whether the active clocks event reasons ("0x0000000000000004") slow the GPU down."""
    try:
        return bool(int(str(reasons), 16) & _THROTTLED)
    except ValueError:
        return False


def query_gpu(index: int, fields: dict[str, str]) -> JsonObject:
    """What ``nvidia-smi`` tells of one GPU, by our names; numbers as numbers.

    Raises:
        DeviceUnreachable: there is no driver or no such GPU, or what it tells makes no sense.
    """
    command = [
        "nvidia-smi",
        f"--id={index}",
        f"--query-gpu={','.join(fields)}",
        "--format=csv,noheader,nounits",
    ]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_QUERY_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise DeviceUnreachable(
            "no NVIDIA driver: nvidia-smi is not installed",
            "Install the NVIDIA driver, or measure on a machine that has a GPU.",
        ) from None
    except OSError as error:
        raise DeviceUnreachable(
            f"nvidia-smi cannot be started: {error.strerror}", "Look at the driver."
        ) from error
    except subprocess.TimeoutExpired:
        raise DeviceUnreachable("nvidia-smi does not answer", "Look at the driver.") from None
    if done.returncode:
        words = (done.stdout + done.stderr).strip()
        raise DeviceUnreachable(
            f"GPU {index} cannot be used: {words}", "Run nvidia-smi to see why."
        )
    values = [value.strip() for value in done.stdout.strip().split(",")]
    if len(values) != len(fields) or "\n" in done.stdout.strip():
        raise DeviceUnreachable(
            f"nvidia-smi answers {brief(done.stdout.strip())}, expected one line of "
            f"{len(fields)} values",
            "Look at the driver.",
        )
    return {
        name: value if field in _TEXTS else _number(field, value)
        for (field, name), value in zip(fields.items(), values, strict=True)
    }


def _number(field: str, text: str) -> float | None:
    """The number that nvidia-smi tells; None where it says that it has none."""
    if text.startswith("[") or text in _UNKNOWN:
        return None
    if not re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", text):
        raise DeviceUnreachable(
            f"nvidia-smi tells {brief(text)} as {field}, expected a number", "Look at the driver."
        )
    return float(text) if "." in text else int(text)
