"""Options that say where and how models are run, which several subcommands have in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps

import click

from nasprof.cli import setting_option
from nasprof.typing import JsonObject


def target_options(
    setting: str = "--device-set",
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """``--device --runtime --threads --affinity --serial``, given as one ``devices.Target``.

    Args:
        setting: flag that sets any other option of the device.
    """
    return partial(_with_target, setting=setting)


def _with_target(function: Callable[..., None], setting: str) -> Callable[..., None]:
    @click.option("--device", help="Device profile; cpu unless given.")
    @click.option("--runtime", help="onnxruntime, litert, torch; the profile's unless given.")
    @click.option("--threads", type=click.IntRange(1), help="Threads; the profile's unless given.")
    @click.option("--affinity", help="CPUs to stay on: 0,2 or 4-7. The profile's unless given.")
    @click.option("--serial", help="USB serial or HOST:PORT of the phone.")
    @setting_option(
        f"Any option of the device's profile, as JSON: {setting} timeout_s=60.", setting, "chosen"
    )
    @wraps(function)
    def command(
        *args: object,
        device: str | None,
        runtime: str | None,
        threads: int | None,
        affinity: str | None,
        serial: str | None,
        chosen: JsonObject,
        **options: object,
    ) -> None:
        from devices import Target
        from devices.cpus import parse_cpus

        cpus = None if affinity is None else parse_cpus(affinity)
        target = Target(device or None, runtime or None, threads, cpus, serial or None, chosen)
        function(*args, target=target, **options)

    return command
