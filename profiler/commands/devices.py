"""``nasprof devices``: what can be measured on right now."""

from __future__ import annotations

import click

from nasprof.cli import json_option, print_json, say, show_table


@click.command()
@click.option("--serial", help="USB serial or HOST:PORT of the phone to look for.")
@json_option
def devices(serial: str | None, as_json: bool) -> None:
    """List devices, whether they answer right now, and if not, why not."""
    from profiler import list_devices

    statuses = list_devices(serial)
    invalid = [status.device for status in statuses if status.error is not None]
    if invalid:
        say(f"Profiles that cannot be used: {', '.join(invalid)}")
    if as_json:
        print_json(statuses.to_dict())
        return
    rows = [
        (status.device, "yes" if status.reachable else "no", status.runtime, status.detail)
        for status in statuses
    ]
    show_table(("device", "reachable", "runtime", "what it is, or what to do"), rows)
