"""A short run of ``benchmarks/fuzz.py``, and that it notices what it is there to notice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import fuzz  # noqa: E402
from fuzz_formats import FORMATS, Format  # noqa: E402

from nasprof.errors import UsageError  # noqa: E402

SLOW = {"learned", "weights-pth"}
"""What is dear to begin with: fitted models, and torch."""


def test_broken_files_of_every_format_are_refused_or_sane():
    names = ",".join(name for name in FORMATS if name not in SLOW)
    command = [sys.executable, str(BENCHMARKS / "fuzz.py"), "--inputs", "400", "--seed", "12"]
    done = subprocess.run(
        [*command, "--formats", names, "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["causes"] == {}
    assert (found["inputs"], found["failures"]) == (400, 0)
    assert sum(found["accepted"].values()) > 20, "nearly all is refused: nothing is tried"


def test_the_same_seed_makes_the_same_inputs():
    seeds = FORMATS["arch"].seeds()
    made = [fuzz.made("arch", number, 3, seeds) for number in range(40)]
    assert made == [fuzz.made("arch", number, 3, seeds) for number in range(40)]
    assert len(set(made)) > 35
    assert made != [fuzz.made("arch", number, 4, seeds) for number in range(40)]


def falls(path):
    raise KeyError(path)


def refuses(path):
    raise UsageError(f"{path} is no such file")


def refuses_at_length(path):
    error = UsageError("no")
    error.message = "x" * 9999
    error.args = (error.message,)
    raise error


def accepts_nonsense(path):
    assert path.read_bytes() == b"sense", "nonsense"


def writes(path):
    (path.parent / "more").write_text("x")


def changes(path):
    path.write_text("x")


def changes_and_refuses(path):
    path.write_text("x")
    raise UsageError("no")


def allocates(path):
    assert b"x" * (500 << 20)


@pytest.mark.parametrize(
    ("read", "cause"),
    [
        (lambda path: None, "accepted"),
        (refuses, None),
        (falls, "KeyError at tests/nasprof/test_fuzz.py:"),
        (refuses_at_length, "the message is longer"),
        (accepts_nonsense, "wrong value accepted: nonsense"),
        (writes, "wrote"),
        (changes, "the input was changed"),
        (changes_and_refuses, "an input that was refused has changed"),
        (allocates, "large: more than 300 MB"),
    ],
)
def test_what_is_a_failure(tmp_path, read, cause):
    form = Format(".x", lambda: [b""], lambda rng, data: data, read)
    found = fuzz.judged(form, b"data", tmp_path)
    assert found == cause if cause in (None, "accepted") else found.startswith(cause)


def test_a_reader_that_ends_the_process_is_a_failure_and_the_rest_is_tried(monkeypatch):
    def ends(path):
        if path.read_bytes() == b"1":
            import os
            import signal

            os.kill(os.getpid(), signal.SIGKILL)

    numbered = Format(".x", lambda: [b"1", b"2"], lambda rng, data: data, ends)
    monkeypatch.setitem(fuzz.FORMATS, "ends", numbered)
    seeds = [b"1", b"2"]
    expected = [Random(f"0 ends {number}").choice(seeds) for number in range(6)]
    found = dict(fuzz.batch("ends", range(6), 0, seeds))
    assert found == {
        number: "the process ended by SIGKILL" if data == b"1" else "accepted"
        for number, data in enumerate(expected)
    }
