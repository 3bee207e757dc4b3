"""The ``nasprof`` command."""

from __future__ import annotations

from nasprof.cli import command_line
from profiler.commands.audit import audit
from profiler.commands.build_lut import build_lut
from profiler.commands.describe import describe
from profiler.commands.devices import devices
from profiler.commands.env import env
from profiler.commands.evaluate import evaluate
from profiler.commands.export import export
from profiler.commands.fit import fit
from profiler.commands.lut import lut
from profiler.commands.measure import measure
from profiler.commands.predict import predict


@command_line("nasprof")
def main() -> None:
    """Measure neural architectures on real devices.

    An architecture is a JSON file: {"space": "ofa-mbv3", "width": 1.0, "resolution": 224,
    "depths": [5 numbers], "kernel_sizes": [20], "expand_ratios": [20]}. OFA's dicts and the
    strings of PNAG and NAS-Bench-201 are read as well.
    """


for command in (
    measure,
    build_lut,
    audit,
    fit,
    describe,
    export,
    evaluate,
    devices,
    env,
    predict,
    lut,
):
    main.add_command(command)
