"""One's own table of a device: looked up, or built first where the device is in this machine."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from devices import Backend, Target
from luts import LookupTable
from luts.build_command import build_command
from nasprof.errors import NasprofError
from nasprof.log import logger
from profiler.measuring.protocol import parse_protocol
from profiler.tables.keep import TableBuild, existing_table
from profiler.tables.plan import Plan
from profiler.tables.progress import BuildProgress
from spaces import Space


@dataclass(frozen=True)
class OwnTable:
    """The table of a space on a device, in the file where the user keeps it.

    Args:
        serial: which one of several devices, where each has a table of its own.
    """

    target: Target | str
    space: Space
    precision: str = "fp32"
    serial: str | None = None

    @cached_property
    def backend(self) -> Backend:
        """The device, not yet contacted, and how models are run there."""
        return Target.of(self.target).resolve()

    @property
    def plan(self) -> Plan:
        """What the table shall hold."""
        protocol = parse_protocol(self.backend.profile.table_protocol)
        return Plan((self.space,), protocol, self.precision)

    @property
    def path(self) -> Path:
        """Where it is kept; the file of one of several devices has the serial in its name."""
        profile = self.backend.profile
        if self.serial is not None:
            name = re.sub(r"[^\w.]+", "-", f"{profile.name}-{self.serial}")
            profile = replace(profile, name=name)
        return self.plan.path(profile, self.backend.settings)

    def read(self, clock: str | None = None, progress: BuildProgress | None = None) -> LookupTable:
        """The table on a clock; of a device in this machine it is built first.

        Args:
            clock: "wall" or "cpu"; the table's own unless given.
            progress: told how far building it has come.

        Raises:
            NasprofError: there is none, and the device is elsewhere; with the command to run.
        """
        table = existing_table(self.path)
        if table is None or self.space not in table.spaces or table.missing(self.space):
            table = self._built(table, clock or "wall", progress or BuildProgress())
        return table if clock is None else table.on_clock(clock)

    def _built(self, begun: LookupTable | None, clock: str, progress: BuildProgress) -> LookupTable:
        path = self.path
        if not self.backend.device.local:
            raise self._missing()
        name = self.backend.profile.name
        logger.info(f"Measuring the blocks of {self.space.label} on {name!r} first, into {path}")
        build = TableBuild(self.backend, self.plan, path, progress=progress)
        table = build.run(begun, clock=clock)
        logger.info(f"Table written to {path}")
        return table.located(path)

    def _missing(self) -> NasprofError:
        name = self.backend.profile.name
        name = name if self.serial is None else f"{name}/{self.serial}"
        return NasprofError(
            f"there is no lookup table of {name!r} for {self.space.label} ({self.path})",
            f"Measure one: {self._command()}",
        )

    def _command(self) -> str:
        """The command line that builds the table."""
        target = Target.of(self.target)
        facts = {
            "device": target.device,
            "runtime": self.backend.settings.runtime,
            "threads": self.backend.settings.threads,
            "precision": self.precision,
        }
        words = [build_command(facts, self.space)]
        if target.serial is not None:
            words += ["--serial", shlex.quote(target.serial)]
        if self.serial is not None:
            words += ["-o", shlex.quote(self.path.stem)]
        return " ".join(words)
