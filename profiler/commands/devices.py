"""``nasprof devices``: what can be measured on right now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nasprof.cli import json_option, print_json, say, show_table


@click.command()
@click.option("--serial", help="USB serial or HOST:PORT of the phone to look for.")
@json_option
def devices(serial: str | None, as_json: bool) -> None:
    """List devices, whether they answer right now, and if not, why not."""
    from devices import list_profiles

    found = [_look_at(name, path, serial) for name, path in list_profiles().items()]
    invalid = [item["device"] for item in found if item["error"] is not None]
    if invalid:
        say(f"Profiles that cannot be used: {', '.join(invalid)}")
    if as_json:
        print_json(found)
        return
    rows = [
        (item["device"], "yes" if item["reachable"] else "no", item["runtime"], item["detail"])
        for item in found
    ]
    show_table(("device", "reachable", "runtime", "what it is, or what to do"), rows)


def _look_at(name: str, path: Path, serial: str | None) -> dict[str, Any]:
    from devices import open_device, read_profile
    from nasprof.errors import NasprofError

    item: dict[str, Any] = {"device": name, "kind": "?", "description": "", "runtime": "?"}
    item |= {"source": str(path)} | {"reachable": False, "error": None}
    try:
        profile = read_profile(path)
        if profile.kind == "adb":
            profile = profile.with_options(serial=serial)
        item |= {key: getattr(profile, key) for key in ("kind", "description", "runtime")}
        device = open_device(profile)
    except NasprofError as error:
        return item | {"detail": str(error), "error": str(error)}
    try:
        reach = device.check()
    except NasprofError as error:
        return item | {"detail": str(error)}
    return item | {"reachable": reach.ok, "detail": reach.detail}
