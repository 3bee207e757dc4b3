"""Evaluations of a supernet's networks are kept, and gone on with after a kill."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from processes import until
from small_supernets import SPACES, card_of, digits_for

import search
from nasprof.append_log import AppendLog
from search.objectives.images import LabelledImages
from search.objectives.supernet_accuracy import SupernetEvaluator
from search.runs.kept_evaluations import EVALUATIONS, KeptEvaluations, evaluations_file
from supernets import Recalibration, Supernet, write_supernet

SPACE = SPACES["nasbench201"]
FILE = "cells.safetensors"
IMAGES = LabelledImages("digits", recalibration=Recalibration(60))
FACTS = {"weights": "ab", "split": "test"}
GENES = SPACE.sample(6, np.random.default_rng(0))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    supernet = Supernet(SPACE, rng=np.random.default_rng(0))
    write_supernet(Path(FILE), supernet, card_of(SPACE, digits_for(SPACE)))
    return tmp_path


@pytest.fixture
def evaluated(monkeypatch):
    """The networks that are evaluated in this process."""
    genes_seen, evaluate = [], SupernetEvaluator.evaluate

    def counting(self, genes):
        genes_seen.extend(genes.tolist())
        return evaluate(self, genes)

    monkeypatch.setattr(SupernetEvaluator, "evaluate", counting)
    return genes_seen


def top1(number=4, images=IMAGES, **options):
    """Top-1 of some networks, which begin with the same ones."""
    archs = [(SPACE, genes) for genes in GENES[:number]]
    options = search.EvaluationOptions(**options)
    archs = search.evaluate_supernet(FILE, images, archs, options=options)
    return [one.evaluation.accuracy.top1 for one in archs]


def log():
    (path,) = Path("data/evaluations").iterdir()
    return path


def test_what_is_known_is_not_evaluated_again(evaluated, caplog):
    first = top1()
    assert len(evaluated) == 4
    assert top1() == first and len(evaluated) == 4
    more = top1(6)
    assert len(evaluated) == 6 and len(set(more)) > 1
    assert top1(fresh=True) == first and len(evaluated) == 10
    assert not caplog.messages


def test_what_it_depends_on_keeps_it_apart(evaluated):
    top1()
    top1(inherited=True)
    top1(images=replace(IMAGES, split="test"))
    top1(images=replace(IMAGES, recalibration=Recalibration(70)))
    supernet = Supernet(SPACE, rng=np.random.default_rng(1))
    write_supernet(Path(FILE), supernet, card_of(SPACE, digits_for(SPACE)))
    top1()
    assert len(evaluated) == 20
    assert len(list(Path("data/evaluations").iterdir())) == 5
    Path(FILE).rename("renamed.safetensors")
    search.evaluate_supernet("renamed.safetensors", IMAGES, [(SPACE, genes) for genes in GENES[:4]])
    assert len(evaluated) == 20


def test_killed_it_goes_on(evaluated):
    command = [
        sys.executable, "-m", "search", "supernet", "evaluate", FILE, "--data", "digits",
        "--recalibrate", "60", "--split", "validation", "--random", "24",
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        until(lambda: list(Path("data").glob("*/*")) and log().stat().st_size > 1200, process)
        process.kill()
    known = log().read_bytes().count(b"}\n") - 1
    assert 0 < known < 24
    with_known = search.evaluate_supernet(FILE, IMAGES, options=search.EvaluationOptions(random=24))
    assert len(evaluated) == 24 - known
    again = search.evaluate_supernet(
        FILE, IMAGES, [(SPACE, one.arch.genes) for one in with_known[:known]],
        options=search.EvaluationOptions(fresh=True),
    )  # fmt: skip
    for one, other in zip(with_known, again, strict=False):
        assert one.evaluation.accuracy == other.evaluation.accuracy


def test_what_cannot_be_kept_is_evaluated_all_the_same(evaluated, monkeypatch, caplog):
    first = top1()
    whole = log().read_bytes()

    log().write_bytes(whole.replace(b'"row"', b'"wor"'))
    assert top1() == first and "is no evaluation" in caplog.text
    assert b'"wor"' in log().read_bytes()

    log().write_bytes(whole)
    facts = json.loads(whole.splitlines()[0])["facts"]
    with AppendLog(evaluations_file(facts), EVALUATIONS, facts):
        assert top1() == first and "another process" in caplog.text

    def full(self, lines, *, durable=True):
        raise EVALUATIONS.unwritable(self.path, OSError(errno.ENOSPC, "No space left on device"))

    caplog.clear()
    monkeypatch.setattr(AppendLog, "append", full)
    assert top1(6)[:4] == first
    assert caplog.text.count("are not kept") == 1 and "No space" in caplog.text
    assert log().read_bytes().count(b"\n") == whole.count(b"\n")

    caplog.clear()
    Path("shut").touch()
    monkeypatch.setenv("NASPROF_DATA", "shut")
    assert top1() == first and "are not kept" in caplog.text


def test_a_torn_line_is_evaluated_again(evaluated):
    first = top1()
    whole = log().read_bytes()
    with log().open("r+b") as stream:
        stream.truncate(log().stat().st_size - 9)
    assert top1() == first
    assert log().read_bytes().count(b"\n") == whole.count(b"\n")


def test_rows_are_numbers_as_they_were():
    rows = np.array([[0.1 + 0.2, -1.0, 1 / 3], [1e-9, 2.0, 99.99999999999999]])
    for expected in (None, rows):
        with KeptEvaluations(FACTS, 3) as kept:
            for genes, row in zip(GENES, rows, strict=False):
                known = kept.get(genes)
                assert known is None if expected is None else np.array_equal(known, row)
                kept.add(genes, row)
    with KeptEvaluations(FACTS, 4) as kept:
        assert kept.get(GENES[0]) is None
