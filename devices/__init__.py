"""Devices: where model files run. Profiles describe them, sessions time models on them."""

from __future__ import annotations

from devices.base import (
    Device,
    DeviceError,
    DeviceFull,
    DeviceLost,
    DeviceTimeout,
    DeviceUnreachable,
    ModelDetails,
    Reachability,
    RunnerCrashed,
    RunnerRefused,
    RunSettings,
    Samples,
    Session,
    device_kinds,
)
from devices.conditions import Conditions
from devices.device_profile import Profile, find_profile, list_profiles, open_device, read_profile
from devices.target import Backend, Target

__all__ = [
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
    "Target",
    "device_kinds",
    "find_profile",
    "list_profiles",
    "open_device",
    "read_profile",
]
