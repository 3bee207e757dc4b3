"""What measurements depend on, as records and journals tell it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from devices import ModelDetails, RunSettings, Session
from devices.conditions import Conditions
from devices.digest import model_digest
from devices.settings import NO_DETAILS
from nasprof.typing import JsonObject
from profiler.measuring.protocol import Protocol


def begin_facts(conditions: Conditions) -> JsonObject:
    """What all measurements under the same conditions have in common, from now on.

    >>> begin_facts(Conditions("cpu"))["device"]
    'cpu'
    """
    return {
        "device": conditions.device,
        "device_fingerprint": conditions.device_fingerprint,
        "device_options": dict(conditions.device_options),
        "runtime_options": dict(conditions.runtime_options),
        "requested_affinity": conditions.to_dict()["affinity"],
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def journal_facts(
    conditions: Conditions,
    protocol: Protocol,
    models: Mapping[str, Path],
    details: Mapping[str, ModelDetails] = MappingProxyType({}),
) -> JsonObject:
    """What must be the same for what is in a journal to be gone on with."""
    contents = hashlib.sha256()
    for name in sorted(models):
        known = details.get(name, NO_DETAILS)
        digest = model_digest(models[name], known.companions)
        contents.update(name.encode(errors="surrogateescape") + bytes.fromhex(digest))
        if known.request({}):
            contents.update(json.dumps(known.request({}), sort_keys=True).encode())
    return {
        **conditions.to_dict(),
        "protocol": protocol.to_dict(),
        "models": contents.hexdigest(),
    }


def session_facts(session: Session, settings: RunSettings) -> JsonObject:
    """What the session tells about what executes, and how."""
    known = session.provenance()
    affinity = known.get("affinity", settings.affinity)
    return {
        "runtime": settings.runtime,
        "runtime_version": known.get("runtime_version"),
        "runtime_facts": dict(known),
        "threads": known.get("threads", settings.threads),
        "affinity": None if affinity is None else list(affinity),
        "clock": {
            "wall_resolution_ns": known.get("wall_resolution_ns"),
            "cpu": known.get("cpu_clock"),
        },
    }
