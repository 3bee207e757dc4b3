"""Requests to the runner (``devices.runner``) that every session makes alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from devices.runtimes import adapter_of
from devices.settings import INPUT_SEED, ModelDetails, RunSettings
from nasprof.typing import JsonObject


def hello_request(
    settings: RunSettings, affinity: Sequence[int] | None, options: Mapping[str, object]
) -> JsonObject:
    """What begins a session.

    Args:
        affinity: CPUs to stay on, as chosen.
        options: of the runtime, all of them.
    """
    adapter = adapter_of(settings.runtime)
    named = {} if adapter == settings.runtime else {"adapter": adapter}
    return {
        "op": "hello",
        "runtime": settings.runtime,
        **named,
        "threads": settings.threads,
        "affinity": None if affinity is None else list(affinity),
        "options": dict(options),
    }


def load_request(
    name: str, path: str, details: ModelDetails, files: Mapping[str, str]
) -> JsonObject:
    """What makes a model ready.

    Args:
        path: of the model, where the runner is.
        files: paths there of what inputs are read from, by the inputs' names.
    """
    return {
        "op": "load",
        "name": name,
        "path": path,
        "seed": INPUT_SEED,
        "details": details.request(files),
    }


def run_request(name: str, inputs: str, outputs: str, many: bool) -> JsonObject:
    """What has outputs computed.

    Args:
        inputs: path of arrays by input (``.npz``), where the runner is.
        outputs: path that it shall write arrays by output to.
        many: whether the inputs are any number of samples, and not one batch.
    """
    return {"op": "run", "name": name, "inputs": inputs, "outputs": outputs, "many": many}
