"""``nasprof devices``: what can be measured on right now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from nasprof.cli import json_option, print_json, show_table


@click.command()
@click.option("--serial", help="USB serial or HOST:PORT of the phone to look for.")
@json_option
def devices(serial: str | None, as_json: bool) -> None:
    """List devices, whether they answer right now, and if not, why not."""
    from devices import list_profiles

    found = [_look_at(name, path, serial) for name, path in list_profiles().items()]
    if as_json:
        print_json(found)
        return
    rows = [
        (item["device"], "yes" if item["reachable"] else "no", item["runtime"], item["detail"])
        for item in found
    ]
    show_table(("device", "reachable", "runtime", "what it is, or what to do"), rows)


def _look_at(name: str, path: Path, serial: str | None) -> dict[str, Any]:
    from devices import find_profile, open_device
    from nasprof.errors import NasprofError

    item = {"device": name, "kind": "?", "description": "", "runtime": "?", "source": str(path)}
    try:
        profile = find_profile(name)
        if profile.kind == "adb":
            profile = profile.with_options(serial=serial)
        item |= {key: getattr(profile, key) for key in ("kind", "description", "runtime")}
        reach = open_device(profile).check()
    except NasprofError as error:
        return item | {"reachable": False, "detail": str(error)}
    return item | {"reachable": reach.ok, "detail": reach.detail}
