"""Broken files of every format, made from good ones: each has to be refused by name, or be sane.

Whatever is read for a format runs in a child process: a traceback, a death, more than 2 s of CPU
time, more than 300 MB, a value that makes no sense, a file written or an input changed is a
failure. The same seed makes the same inputs.

Run: python benchmarks/fuzz.py [--inputs 100000] [--seed 0] [--formats arch,table] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fuzz_formats import FORMATS, Format

from nasprof.errors import NasprofError

MOST_S, MOST_MB = 2.0, 300
"""CPU time and memory that an input may take."""
KILLED_S = 20
BATCH = 2000
"""Inputs a child process reads."""
_ADDRESSES = 8 << 30
ACCEPTED = "accepted"
_GONE_ON = (".journal", ".archive")
_FINE = (None, ACCEPTED)
KEPT = 3
"""Examples kept of each cause."""


def made(name: str, number: int, seed: int, seeds: list[bytes]) -> bytes:
    """An input of a format, the same each time."""
    rng = Random(f"{seed} {name} {number}")
    return FORMATS[name].changed(rng, rng.choice(seeds))


def judged(form: Format, data: bytes, folder: Path) -> str | None:
    """Why an input failed; None if it was refused, :data:`ACCEPTED` if it is sane."""
    path = folder / f"input{form.suffix}"
    path.write_bytes(data)
    began, before = time.process_time(), _peak_reset()
    cause = _read(form, path)
    taken, peak = time.process_time() - began, _peak_mb()
    left = sorted(each.name for each in folder.iterdir())
    if cause in _FINE and left != [path.name]:
        cause = f"wrote {left}"
    if cause in _FINE and taken > MOST_S:
        cause = f"slow: more than {MOST_S:g} s"
    if cause in _FINE and peak > max(MOST_MB, before + 100):
        cause = f"large: more than {MOST_MB} MB"
    for each in folder.iterdir():
        each.unlink()
    return cause


def _read(form: Format, path: Path) -> str | None:
    before = path.read_bytes()
    try:
        form.read(path)
        changed = path.read_bytes() != before and form.suffix not in _GONE_ON
        return "the input was changed" if changed else ACCEPTED
    except NasprofError as error:
        if path.read_bytes() != before and form.suffix != ".archive":  # whose last line is cut
            return "an input that was refused has changed"
        return "the message is longer than 5,000 characters" if len(str(error)) > 5000 else None
    except AssertionError as error:
        return f"wrong value accepted: {str(error)[:80]} at {_place(error)}"
    except BaseException as error:  # whatever it is, a user would see a traceback
        return f"{type(error).__name__} at {_place(error)}"


def _place(error: BaseException) -> str:
    """The innermost line of ours."""
    root = str(Path(__file__).resolve().parents[1])
    frames = [each for each in traceback.extract_tb(error.__traceback__) if root in each.filename]
    last = [each for each in frames if ".venv" not in each.filename][-1]
    return f"{Path(last.filename).relative_to(root)}:{last.lineno}"


def _peak_reset() -> float:
    Path("/proc/self/clear_refs").write_text("5")
    return _peak_mb()


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def child(name: str, numbers: range, seed: int, seeds: list[bytes], reply: int) -> None:
    """Judge inputs, and tell each one's number before and its cause after, a line of JSON each."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as base, os.fdopen(reply, "w") as stream:
        folder = Path(base) / "input"
        folder.mkdir()
        os.chdir(folder)
        for number in numbers:
            data = made(name, number, seed, seeds)
            stream.write(f"{json.dumps([number])}\n")
            stream.flush()
            signal.setitimer(signal.ITIMER_PROF, KILLED_S)  # which ends the process
            cause = judged(FORMATS[name], data, folder)
            signal.setitimer(signal.ITIMER_PROF, 0)
            if cause is not None:
                stream.write(f"{json.dumps([number, cause])}\n")


def batch(name: str, numbers: range, seed: int, seeds: list[bytes]) -> Iterator[tuple[int, str]]:
    """Numbers and causes of inputs that were not refused. A child that dies is followed by one."""
    while len(numbers):
        pid, read = _forked(partial(child, name, numbers, seed, seeds))
        last = numbers.start - 1
        with os.fdopen(read) as stream:
            for line in stream:
                told = json.loads(line)
                last = told[0]
                if len(told) == 2:
                    yield last, told[1]
        status = os.waitpid(pid, 0)[1]
        if status == 0:
            return
        if os.WIFEXITED(status):
            raise RuntimeError(f"{name} {last + 1}: the input could not be made")
        yield last, f"the process ended by {signal.Signals(os.WTERMSIG(status)).name}"
        numbers = range(last + 1, numbers.stop)


def _forked(work: Callable[[int], None]) -> tuple[int, int]:
    """A child at work, and where to read what it writes into the descriptor it is given."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        os._exit(_exit_code(partial(work, write)))
    os.close(write)
    return pid, read


def _exit_code(work: Callable[[], None]) -> int:
    """0, or 1 with a traceback, as at the end of a process of its own."""
    errors = os.dup(2)
    try:
        work()
    except BaseException:
        os.write(errors, traceback.format_exc().encode())
        return 1
    return 0


def shares(inputs: int, names: list[str]) -> dict[str, int]:
    """How many inputs of each format."""
    total = sum(FORMATS[name].weight for name in names)
    found = {name: inputs * FORMATS[name].weight // total for name in names}
    found[names[0]] += inputs - sum(found.values())
    return found


def fuzz(inputs: int, seed: int, names: list[str]) -> dict[str, Any]:
    """Run it: how many inputs, how many failed, and why, with examples of each cause."""
    causes: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    examples: defaultdict[str, list[list[Any]]] = defaultdict(list)
    counts = shares(inputs, names)
    began = time.monotonic()
    for name, count in counts.items():
        seeds = in_child(name)
        for start in range(0, count, BATCH):
            numbers = range(start, min(start + BATCH, count))
            for number, cause in batch(name, numbers, seed, seeds):
                if cause == ACCEPTED:
                    accepted[name] += 1
                    continue
                causes[f"{name}: {cause}"] += 1
                if len(examples[f"{name}: {cause}"]) < KEPT:
                    examples[f"{name}: {cause}"].append([name, number])
            print(f"{name}: {numbers.stop:,} of {count:,}, {causes.total()} failed in all",
                  file=sys.stderr, flush=True)  # fmt: skip
    return {
        "inputs": sum(counts.values()),
        "failures": causes.total(),
        "causes": dict(causes.most_common()),
        "examples": dict(examples),
        "formats": counts,
        "accepted": dict(accepted),
        "seed": seed,
        "seconds": round(time.monotonic() - began),
    }


def in_child(name: str) -> list[bytes]:
    """The good files of a format, made in a child, so that what makes them is not loaded here."""
    pid, read = _forked(partial(_write_seeds, name))
    with os.fdopen(read) as stream:
        text = stream.read()
    os.waitpid(pid, 0)
    return [bytes.fromhex(each) for each in json.loads(text)]


def _write_seeds(name: str, reply: int) -> None:
    with os.fdopen(reply, "w") as stream:
        stream.write(json.dumps([each.hex() for each in FORMATS[name].seeds()]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--json", action="store_true", help="print inputs, failures and causes")
    parser.add_argument("--keep", type=Path, help="folder for an example of each cause")
    given = parser.parse_args()
    names = given.formats.split(",")
    found = fuzz(given.inputs, given.seed, names)
    if given.keep is not None:
        keep(found, given.keep)
    if given.json:
        print(json.dumps(found, indent=1))
        return
    from common import report

    rows = [[cause, count] for cause, count in found["causes"].items()]
    report("fuzz", ("cause", "failures"), rows, **found)
    print(f"{found['failures']:,} of {found['inputs']:,} inputs failed")


def keep(found: dict[str, Any], folder: Path) -> None:
    """Write an input of each cause."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, examples in enumerate(found["examples"].values()):
        name, number = examples[0]
        data = made(name, number, found["seed"], in_child(name))
        (folder / f"{place}-{name}-{number}{FORMATS[name].suffix}").write_bytes(data)


if __name__ == "__main__":
    main()
