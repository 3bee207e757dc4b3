"""Commands that are killed, denied what they need, and started twice, each in a fresh folder.

Afterwards each has to have ended with a named error or the right result, without a traceback; what
was saved is readable, what was there is as it was, nothing is left over, and the same command goes
on. File systems are filled in a mount namespace of this program's own (Linux, root).

Run: python benchmarks/attacks.py [--kinds kills,faults,pairs] [--count N] [--seed 0] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from attacks_commands import COMMANDS, Command, inputs
from attacks_faults import faults
from attacks_ground import Ground
from attacks_kills import SIGNALS, kills
from attacks_pairs import pairs
from common import report

KINDS: dict[str, tuple[Callable[[list[Command], int, Random], Sequence[Any]], int]] = {
    "kills": (kills, 81),
    "faults": (faults, 1000),
    "pairs": (pairs, 20),
}
"""What makes attacks of a kind, and how many unless said otherwise: at most."""
_OWN = "ATTACKS_IN_OWN_NAMESPACE"


def heed_signals() -> None:
    """As started at a terminal: under nohup or in the background commands would ignore some."""
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def in_own_namespace() -> None:
    """Start anew where file systems can be mounted that nobody else sees."""
    if _OWN in os.environ:
        return
    os.environ[_OWN] = "1"
    os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])


class Attacks:
    """Attacks in one folder, in which each has a fresh one."""

    def __init__(self, folder: Path, chatty: bool) -> None:
        self.folder, self.chatty = folder, chatty
        self.numbers = count()
        self.known: dict[str, dict[str, Any]] = {}
        inputs(folder / "inputs")

    def ground(self) -> Ground:
        ground = Ground(self.folder / str(next(self.numbers)))
        shutil.copytree(self.folder / "inputs", ground.inputs, dirs_exist_ok=True)
        return ground

    def undisturbed(self, command: Command) -> None:
        """Learn how long a command takes, and what its output holds."""
        if command.name in self.known:
            return
        ground = self.ground()
        out = ground.out / command.output
        done = ground.run(command.line(out))
        if done.code != 0:
            raise SystemExit(f"{command.name} fails undisturbed: {done.stderr}")
        known = {"seconds": done.seconds, "value": command.value(out)}
        if command.appends:
            known["records"] = len(out.read_text().splitlines())
        known["out"] = ground.out.rename(self.folder / f"earlier {command.name}")
        self.known[command.name] = known
        shutil.rmtree(ground.folder)

    def all(self, chosen: Sequence[Any], jobs: int) -> list[dict[str, Any]]:
        """Do them, so many at a time; in their order."""
        for attack in chosen:
            self.undisturbed(attack.command)
        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(self.one, chosen))

    def one(self, attack: Any) -> dict[str, Any]:
        """An attack: its name, its failures and how long it took."""
        known = self.known[attack.command.name]
        ground = self.ground()
        began = time.monotonic()
        found = list(attack.attack(ground, known))
        seconds = time.monotonic() - began
        if not found:
            shutil.rmtree(ground.folder)
        if self.chatty:
            result = "; ".join(found) if found else "as it should"
            print(
                f"{attack.name}: {result} ({seconds:.1f} s, {attack.said[:60]!r})",
                file=sys.stderr,
                flush=True,
            )
        record = {"attack": attack.name, "failures": found, "seconds": round(seconds, 1)}
        said = attack.said.replace(str(ground.folder), "...")
        return {**record, "ended": said} if said else record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--count", type=int, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="attacks at a time")
    parser.add_argument("--only", default="", help="a part of the names of those to be done")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    in_own_namespace()
    heed_signals()
    rows, details = [], {}
    with tempfile.TemporaryDirectory(prefix="attacks-", ignore_cleanup_errors=True) as folder:
        attacks = Attacks(Path(folder), chatty=not given.json)
        for kind in given.kinds.split(","):
            make, most = KINDS[kind]
            found = make(COMMANDS, given.count or most, Random(f"{given.seed} {kind}"))
            done = attacks.all([each for each in found if given.only in each.name], given.jobs)
            failed = [each for each in done if each["failures"]]
            worst = max((each["seconds"] for each in done), default=0)
            rows.append([kind, len(done), len(failed), worst])
            details[kind] = done
    failures = {kind: [e for e in done if e["failures"]] for kind, done in details.items()}
    columns = ("kind", "attacks", "failures", "worst s")
    if given.json:
        told = [dict(zip(columns, row, strict=True)) for row in rows]
        print(json.dumps({"kinds": told, "failures": failures}, indent=1))
    report("attacks", columns, rows, given.json, seed=given.seed, failed=failures, attacks=details)


if __name__ == "__main__":
    main()
