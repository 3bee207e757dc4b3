"""``nassearch supernet evaluate`` and ``run --data`` as their users see them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from console import accepted, console, refused
from processes import alive, until
from small_supernets import SPACES, card_of, digits_for

import search
from nasprof.classification import wilson_interval
from nasprof.errors import NasprofError, UsageError
from search.accuracy.measurements import read_measurements
from search.cli import main
from spaces import get_space
from supernets import Evaluator, Recalibration, Supernet, SupernetCard, write_supernet

SPACE = SPACES["nasbench201"]
FILE = "cells.safetensors"
GENES = SPACE.sample(3, np.random.default_rng(2))
evaluate = ("supernet", "evaluate", FILE, "--data", "digits", "--recalibrate", 60)


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    """The command line in a folder with a supernet and three architectures."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    data = digits_for(SPACE)
    supernet = Supernet(SPACE, rng=np.random.default_rng(0))
    write_supernet(Path(FILE), supernet, card_of(SPACE, data))
    for number, arch in enumerate(SPACE.decode(GENES)):
        Path(f"a{number}.json").write_text(json.dumps(arch))
    return console(main)


def expected_of(space=SPACE):
    data = digits_for(space)
    supernet = Supernet(SPACE, rng=np.random.default_rng(0))
    return Evaluator(supernet, card_of(space, data), data, recalibration=Recalibration(60))


# --- the result ---------------------------------------------------------------------------------


def test_accuracies_come_in_the_order_of_the_architectures(invoke):
    told = accepted(invoke(*evaluate, "--arch", "a2.json", "a0.json", "--json"))
    evaluator = expected_of()
    assert [one["name"] for one in told] == ["a2", "a0"]
    for one, number in zip(told, (2, 0), strict=True):
        accuracy = evaluator.evaluate(GENES[number]).accuracy
        assert one["arch"] == json.loads(Path(f"a{number}.json").read_text())
        assert (one["top1"], one["top5"]) == (accuracy.top1, accuracy.top5)
        assert (one["n"], one["recalibrated_on"]) == (359, 60)
        hits = round(one["top1"] * one["n"] / 100)
        assert [one["low"], one["high"]] == list(wilson_interval(hits, one["n"]))
        assert list(one["by_class"]) == [str(digit) for digit in range(10)]
        assert list(one["by_class"].values()) == list(accuracy.by_class)
        assert (one["split"], one["supernet"]) == ("test", FILE)
        assert one["cpu_s"] > one["recalibration_cpu_s"] > 0


def test_worker_processes_say_the_same(invoke):
    archs = ("--arch", "a0.json", "a1.json", "a2.json", "--fresh")
    spent = ("cpu_s", "recalibration_cpu_s")
    told = [
        [{key: value for key, value in one.items() if key not in spent} for one in accepted(result)]
        for result in (
            invoke(*evaluate, *archs, "--json"),
            invoke(*evaluate, *archs, "--json", "--executor", "processes", "--workers", 2),
        )
    ]
    assert told[0] == told[1]
    assert len({one["top1"] for one in told[0]}) > 1


def test_without_architectures_both_ends_are_shown(invoke):
    result = invoke(*evaluate, "--inherited")
    assert result.exit_code == 0
    for text in ("smallest", "largest", "359 test images of digits", "60 training", "recalibrated"):
        assert text in result.stdout


@pytest.mark.no_cover
def test_random_networks_are_drawn_with_the_seed(invoke):
    drawn = [
        [one["arch"]["cell"] for one in accepted(invoke(*evaluate, "--random", 3, "--json", *more))]
        for more in ((), (), ("--seed", 1))
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(set(drawn[0])) == 3


def test_other_splits_and_resolutions(invoke):
    more = ("--split", "validation", "--resolution", 8, "--json")
    told = accepted(invoke(*evaluate, *more))
    assert [one["n"] for one in told] == [len(digits_for(SPACE).validation)] * 2
    assert told[0]["split"] == "validation"
    assert told[0]["arch"]["resolution"] == 8


def test_networks_of_several_resolutions_keep_their_order(invoke):
    small = get_space("nasbench201", classes=10, cells=1, resolution=8)
    archs = [(SPACE, GENES[0]), (small, GENES[1]), (SPACE, GENES[2])]
    evaluated = search.evaluate_supernet(FILE, "digits", archs)
    assert [one.arch.space for one in evaluated] == [SPACE, small, SPACE]
    alone = search.evaluate_supernet(FILE, "digits", archs[1])
    assert alone[0].evaluation.accuracy == evaluated[1].evaluation.accuracy
    assert [row["n"] for row in evaluated.rows()] == [359] * 3


def test_what_recalibration_is_worth_is_told(invoke):
    told = accepted(invoke(*evaluate, "--arch", "a0.json", "--inherited", "--json"))
    evaluator = expected_of()
    inherited = evaluator.inherited(GENES[0]).top1
    assert told[0]["inherited_top1"] == inherited != told[0]["top1"]
    assert told[0]["top1"] == evaluator.evaluate(GENES[0]).accuracy.top1


def test_accuracies_are_a_table_to_learn_from(invoke):
    told = accepted(invoke(*evaluate, "--random", 3, "--json", "-o", "measured.csv"))
    measured = read_measurements(Path("measured.csv"))
    assert measured.space == SPACE
    archs = [json.dumps(arch) for arch in SPACE.decode(measured.genes)]
    table = dict(zip(archs, measured.top1.tolist(), strict=True))
    assert table == {json.dumps(one["arch"]): one["top1"] for one in told}
    said = refused(invoke("predict", "--accuracy", FILE, "--arch", "a0.json"))
    assert "is no accuracy model, but a supernet" in said


# --- faults -------------------------------------------------------------------------------------


def test_faults_are_named(invoke):
    def said(*args):
        return refused(invoke(*args))

    assert "Missing option '--data'" in said("supernet", "evaluate", FILE)
    assert "--data does not name" in said(
        "run", "--engine", "random", "--objectives", "macs", "--split", "test"
    )
    assert "no objective looks at any" in said(
        "run", "--engine", "random", "--objectives", "macs", "--space", "nasbench201",
        "--data", "digits",
    )  # fmt: skip
    missing = ("supernet", "evaluate", "nosuch.safetensors", "--data", "digits")
    assert "nosuch.safetensors" in said(*missing)
    other = get_space("nasbench201", classes=10, cells=2, resolution=16)
    Path("other.json").write_text(json.dumps(other.decode(GENES[:1])[0]))
    assert "cells is 1, not 2" in said(*evaluate, "--arch", "other.json")
    few = get_space("nasbench201", classes=3, cells=1, resolution=16)
    card = SupernetCard(few, ("a", "b", "c"), digits_for(SPACE).normalisation)
    write_supernet(Path(FILE), Supernet(few), card)
    assert "10 classes, the supernet 3" in said(*evaluate)
    Path(FILE).write_bytes(Path(FILE).read_bytes()[:2000])
    assert FILE in said(*evaluate)


def test_numbers_that_make_no_sense_are_refused():
    for name in ("random", "seed"):
        with pytest.raises(UsageError, match=f"{name} is -1"):
            search.EvaluationOptions(**{name: -1})


def test_weights_that_give_no_numbers_are_no_accuracy(invoke):
    data = digits_for(SPACE)
    supernet = Supernet(SPACE)
    arrays = supernet.arrays()
    name = next(name for name in arrays if name.endswith("running_var"))
    huge = {key: array * np.float32(1e30) for key, array in arrays.items() if key != name}
    write_supernet(Path(FILE), supernet.load_arrays({**arrays, **huge}), card_of(SPACE, data))
    with pytest.raises(NasprofError, match=r"arch0 was not evaluated: .* the logits of .* are NaN"):
        search.evaluate_supernet(FILE, "digits", (SPACE, GENES[0]))


def test_ctrl_c_ends_the_workers_too(invoke):
    command = [sys.executable, "-m", "search", *map(str, evaluate)]
    more = ["--random", "3000", "--executor", "processes", "--workers", "1"]
    with subprocess.Popen([*command, *more], stderr=subprocess.PIPE, text=False) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        (worker, *_) = until(lambda: children.read_text().split(), process)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
        assert process.wait(60) == 1
    assert "interrupted" in said
    assert "Traceback" not in said
    until(lambda: not alive(worker))


# --- searching ----------------------------------------------------------------------------------


@pytest.mark.no_cover
def test_a_search_evaluates_networks_and_goes_on(invoke):
    command = (
        "run", "--engine", "nsga2", "--objectives", f"top1@{FILE},macs", "--data", "digits",
        "--recalibrate", 60, "--set", "population=8", "-o", "kept", "--json",
    )  # fmt: skip
    first = accepted(invoke(*command, "--evals", 6))
    told = accepted(invoke(*command, "--evals", 10))
    assert (first["evaluations"], told["evaluations"]) == (6, 10)
    (kept,) = Path("kept").iterdir()
    head = json.loads(kept.read_text().splitlines()[0])["facts"]["objectives"][0]
    assert head["kind"] == "evaluated"
    assert head["facts"]["recalibration"]["images"] == 60
    assert head["facts"]["split"] == "validation"
    again = refused(invoke(*command, "--evals", 12, "--split", "test"))
    assert 'split was "validation", now "test"' in again


def test_a_supernet_tells_the_accuracy_and_the_space_of_a_search(invoke):
    search = ("run", "--engine", "random", "--evals", 3, "--json", "--objectives")
    images = ("--data", "digits", "--recalibrate", 60)
    told = accepted(invoke(*search, "top1,macs", "--supernet", FILE, *images))
    named = accepted(invoke(*search, f"top1@{FILE},macs", *images))
    values = [[list(one["values"].values()) for one in front["front"]] for front in (told, named)]
    assert values[0] == values[1] and values[0]
    assert accepted(invoke(*search, "macs,params", "--supernet", FILE))["front"]
    assert "Name their folder" in refused(invoke(*search, "top1,macs", "--supernet", FILE))
    missing = refused(invoke(*search, "macs,params", "--supernet", "nope.safetensors"))
    assert "nope.safetensors" in missing
