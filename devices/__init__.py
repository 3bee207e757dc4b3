"""Devices: where model files run. Profiles describe them, sessions time models on them.

:class:`Target` says which device and how, :meth:`Target.resolve` gives the :class:`Backend` that
models are run on, and :class:`Conditions` what makes its latencies comparable. A device of one's
own is a :class:`Device` and a :class:`Session`, registered in :data:`device_kinds`. Names are
imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasprof.exports import lazily

if TYPE_CHECKING:
    from devices.conditions import Conditions
    from devices.device import Device, Reachability, device_kinds
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
    from devices.profile_files import find_profile, list_profiles, open_device, read_profile
    from devices.samples import THROTTLED, Arrived, Samples, take_in
    from devices.session import Session
    from devices.settings import ModelDetails, RunSettings
    from devices.target import Backend, Target

__all__ = [
    "Arrived",
    "Backend",
    "Conditions",
    "Device",
    "DeviceError",
    "DeviceFull",
    "DeviceLost",
    "DeviceTimeout",
    "DeviceUnreachable",
    "ModelDetails",
    "Profile",
    "Reachability",
    "RunSettings",
    "RunnerCrashed",
    "RunnerRefused",
    "Samples",
    "Session",
    "THROTTLED",
    "Target",
    "device_kinds",
    "find_profile",
    "list_profiles",
    "open_device",
    "read_profile",
    "take_in",
]

_ORIGINS = {
    "Arrived": "devices.samples",
    "Backend": "devices.target",
    "Conditions": "devices.conditions",
    "Device": "devices.device",
    "DeviceError": "devices.errors",
    "DeviceFull": "devices.errors",
    "DeviceLost": "devices.errors",
    "DeviceTimeout": "devices.errors",
    "DeviceUnreachable": "devices.errors",
    "ModelDetails": "devices.settings",
    "Profile": "devices.device_profile",
    "Reachability": "devices.device",
    "RunSettings": "devices.settings",
    "RunnerCrashed": "devices.errors",
    "RunnerRefused": "devices.errors",
    "Samples": "devices.samples",
    "Session": "devices.session",
    "THROTTLED": "devices.samples",
    "Target": "devices.target",
    "device_kinds": "devices.device",
    "find_profile": "devices.profile_files",
    "list_profiles": "devices.profile_files",
    "open_device": "devices.profile_files",
    "read_profile": "devices.profile_files",
    "take_in": "devices.samples",
}
if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _ORIGINS)


def __dir__() -> list[str]:
    return sorted(__all__)
