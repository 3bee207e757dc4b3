"""``nasprof audit``: whether a lookup table still holds on a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, print_json, show_table
from nasprof.errors import NasprofError
from profiler.commands.options import network_options
from profiler.commands.speed import said
from profiler.commands.target import target_options

if TYPE_CHECKING:
    from devices import Target
    from profiler.api.audit import AuditReport


@click.command()
@click.argument("table")
@target_options()
@network_options(least=2)
@click.option("--protocol", help="The table's unless given.")
@click.option(
    "--update", is_flag=True, help="Keep the new comparison and calibration in the table."
)
@click.option("--seed", type=int, help="Seed of networks and orders; a new one unless given.")
@json_option
def audit(table: str, target: Target, update: bool, as_json: bool, **options: Any) -> None:
    """Measure networks that TABLE has never seen, and compare them with what it says.

    TABLE is a name or a file (.json). A table without any audit keeps this one; others are only
    changed with --update. Exit code 1 if the table does not hold.
    """
    import profiler
    from profiler.commands.building import building_progress

    report = profiler.audit(
        table,
        target,
        options=profiler.AuditOptions(**options),
        update=update,
        progress=building_progress(),
    )
    if as_json:
        print_json(report.to_dict())
    else:
        _show(report)
    if not report.holds:
        raise NasprofError(
            f"LUT {report.table!r} does not hold on this device any more",
            "Build it anew (nasprof build-lut --fresh), or take over the new calibration with "
            "nasprof audit --update if that is enough.",
        )


def _show(report: AuditReport) -> None:
    columns = (f"{report.table}, {report.clock} clock", ">n", ">MAPE", ">bias", ">worst")
    rows = [
        [
            name,
            str(agreement.n),
            *(f"{share:.2%}" for share in (agreement.mape, agreement.bias, agreement.worst)),
            *(f"{rank:.4f}" for rank in (agreement.spearman, agreement.kendall)),
        ]
        for name, agreement in (
            ("as it is", report.stored),
            ("at today's speed", report.today),
            ("newly calibrated", report.recalibrated.after),
        )
    ]
    notes = [f"changed since it was built: {change}" for change in report.changed]
    notes.append(said(report.speed.to_dict()))
    notes.append("the table holds" if report.holds else "the table does not hold")
    if report.updated:
        notes.append(f"kept in {report.path}")
    show_table((*columns, ">Spearman", ">Kendall"), rows, notes=notes)
