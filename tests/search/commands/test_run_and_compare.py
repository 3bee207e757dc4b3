"""``nassearch run`` and ``nassearch compare`` as their users see them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from console import accepted, console, refused
from tables import audited_table, made_up_table
from trade_offs import CELLS, MOBILE, made_up_accuracy

import search
from luts import read_cost_model, write_cost_model
from search.answers.compare import CompareOptions
from search.cli import main
from search.engines.exact import exact_front
from search.objectives.trade_off import TradeOff
from search.quality.indicators import hypervolume, non_dominated
from search.runs.best_known import best_known_front
from search.runs.comparison import ComparisonSettings, compare_entrants, entrant
from search.runs.trial import reference
from spaces import parse_arch


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for name, space in (("cells", CELLS), ("mobile", MOBILE)):
        made_up_accuracy(space, name).as_arrays().write(folder / f"{name}.npz")
        write_cost_model(audited_table(space), folder / f"{name}.json")
    return folder


def given(models, name="cells"):
    return ["--accuracy", str(models / f"{name}.npz"), "--lut", str(models / f"{name}.json")]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return console(main)


def budgets_of(models, *shares):
    """Budgets at shares of what the cells take at most."""
    table = read_cost_model(models / "cells.json")
    ends, slack = table.extremes(), table.bound(0.95).factor
    return [slack * (ends.min_ms + share * (ends.max_ms - ends.min_ms)) for share in shares]


# --- run ------------------------------------------------------------------------------------


def test_run_answers_budgets_in_order_and_keeps_them(run, models):
    limits = budgets_of(models, 0.6, 0.2)
    args = [part for limit in limits for part in ("--budget", f"{limit}ms")]
    found = accepted(
        run("run", "--engine", "local", *given(models), *args, "--evals", 300, "--json")
    )
    table = read_cost_model(models / "cells.json")
    assert found["engine"] == "local"
    assert found["evaluations"] == 600
    assert [each["name"] for each in found["objectives"]] == ["top1", "latency"]
    assert [each["budget_ms"] for each in found["budgets"]] == pytest.approx(limits)
    for answer in found["budgets"]:
        space, arch = parse_arch(answer["arch"])
        genes = space.encode([arch])
        assert answer["values"]["latency"] == table.latency_ms(genes)[0]
        assert answer["values"]["top1"] == made_up_accuracy(CELLS, "cells").top1(genes)[0]
        assert answer["upper_ms"] == pytest.approx(table.upper_bound_ms(genes)[0])
        assert answer["upper_ms"] <= answer["budget_ms"] * (1 + 1e-12)
    front = [(-each["values"]["top1"], each["values"]["latency"]) for each in found["front"]]
    assert len(non_dominated(np.array(front))) == len(front)
    corner = [-found["reference"]["top1"], found["reference"]["latency"]]
    assert found["hypervolume"] == pytest.approx(hypervolume(np.array(front), np.array(corner)))
    assert found["hypervolume_exact"] is True
    assert (found["seed"], found["failed"], found["ended"]) == (0, 0, None)
    marks = [mark for each in found["front"] for mark in each["marks"]]
    assert marks.count("knee") == 1
    assert set(marks) == {"knee", "preferred"}


def test_exact_is_the_best_of_all_architectures(run, models):
    (limit,) = budgets_of(models, 0.4)
    args = (*given(models), "--budget", limit, "--json")
    found = accepted(run("run", "--engine", "exact", *args))["budgets"][0]
    cells = CELLS.parts[0][1]
    table = read_cost_model(models / "cells.json")
    within = table.upper_bound_ms(cells) <= limit
    assert found["values"]["top1"] == made_up_accuracy(CELLS, "cells").top1(cells)[within].max()


def test_without_a_budget_the_whole_front_is_searched_and_shown(run, models):
    found = accepted(run("run", "--engine", "exact", *given(models), "--json"))
    assert found["budgets"] == []
    shown = run("run", "--engine", "nsga2", *given(models), "--evals", 300)
    assert shown.exit_code == 0
    assert "nsga2: 300 evaluated" in shown.stdout
    assert "on the front" in shown.stdout or len(found["front"]) <= 20


def test_a_learned_accuracy_is_replaced_for_exact_and_that_is_said(run, models):
    args = ("--lut", models / "mobile.json", "--evals", 200, "--json")
    result = run("run", "--engine", "exact", "--accuracy", "imagenet", *args)
    assert len(accepted(result)["front"]) > 10
    assert "Exact for 'imagenet, additive' only" in result.stderr
    assert "R2 0.99" in result.stderr


def test_what_makes_no_sense_is_refused(run, models):
    local = ("run", "--engine", "local", *given(models))
    for engine in ("nas-mo", "ofa-ea"):
        without = refused(run("run", "--engine", engine, *given(models)))
        assert "none is set on latency" in without
        assert "exact, linas, local" in without
    assert "no engine is called 'lokal'" in refused(run("run", "--engine", "lokal", *given(models)))
    impossible = refused(run(*local, "--budget", "1us"), 1)
    assert "network has under 0.001 ms of 'latency': the least is 0.3" in impossible
    assert "budget" in refused(run(*local, "--budget", "-5"))
    assert "budget" in refused(run(*local, "--budget", "nan"))
    both = ("--accuracy", models / "mobile.npz", "--lut", models / "cells.json")
    nothing = refused(run("run", "--engine", "random", *both))
    assert "objective 'top1' of ofa-mbv3 w1.0@224: no space in common" in nothing


def test_a_folder_is_gone_on_with_unless_it_is_of_something_else(run, models, tmp_path):
    (limit,) = budgets_of(models, 0.5)
    args = ("run", "--engine", "evo", *given(models), "--budget", limit, "-o", "kept", "--json")
    accepted(run(*args, "--evals", 150))
    (path,) = (tmp_path / "kept").iterdir()
    begun = path.read_bytes()
    resumed = accepted(run(*args, "--evals", 300))
    assert path.read_bytes().startswith(begun)
    assert resumed == accepted(run(*args, "--evals", 300, "--fresh"))
    other = made_up_table(CELLS, seed=5, name="cells")
    write_cost_model(other, tmp_path / "cells.json")
    changed = [*args[:5], "--lut", tmp_path / "cells.json", *args[7:]]
    kept = path.read_bytes()
    assert "is of another search" in refused(run(*changed, "--evals", 300))
    assert path.read_bytes() == kept


def begun(models, folder):
    """A real ``nassearch run`` that has evaluated a few hundred networks and goes on."""
    code = "from search.cli import main; main()"
    command = [sys.executable, "-c", code, "run", "--engine", "local"]
    command += [*given(models, "mobile"), "--budget", "60", "-o", str(folder), "--json"]
    process = subprocess.Popen(
        [*command, "--evals", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"NASPROF_DATA": str(folder / "data")},
    )
    for _ in range(600):
        kept = list(folder.glob("*.jsonl"))
        if kept and kept[0].stat().st_size > 50_000:
            return process, kept[0]
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.05)
    process.kill()
    raise AssertionError("nothing was evaluated")


def test_killed_and_gone_on_with_is_as_if_never_interrupted(run, models, tmp_path):
    process, path = begun(models, tmp_path / "killed")
    process.kill()
    process.communicate()
    held = path.read_bytes().count(b"\n")
    args = ("run", "--engine", "local", *given(models, "mobile"), "--budget", 60, "--json")
    more = ("--evals", held + 500)
    accepted(run(*args, *more, "-o", "killed"))
    accepted(run(*args, *more, "-o", "whole"))
    assert path.read_bytes() == (tmp_path / "whole" / path.name).read_bytes()


def test_interrupted_it_shows_what_was_found(models, tmp_path):
    process, path = begun(models, tmp_path / "stopped")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"Interrupted" in stderr
    assert b"Traceback" not in stderr
    found = json.loads(stdout)
    assert 0 < found["evaluations"] < path.read_bytes().count(b"\n") <= found["evaluations"] + 65
    assert found["budgets"][0]["upper_ms"] <= 60
    assert [each["values"]["latency"] for each in found["front"]] == sorted(
        each["values"]["latency"] for each in found["front"]
    )


# --- compare --------------------------------------------------------------------------------


def test_compare_shows_every_engine_and_draws_them(run, models, tmp_path):
    args = (*given(models), "--evals", 100, "--seeds", 2, "--best-known", 3000)
    args += ("--engines", "local,random,exact", "-o", "kept", "--plot", "c.png")
    result = run("compare", *args)
    assert result.exit_code == 0, result.output
    for name in ("best known", "local", "random", "exact"):
        assert name in result.stdout
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    found = accepted(run("compare", *args, "--json"))
    assert set(found["engines"]) == {"local", "random", "exact"}
    assert len(found["budgets_ms"]) == 5
    for attempts in found["engines"].values():
        assert len(attempts) == 2
        for attempt in attempts:
            assert 0 <= attempt["hypervolume_share"] <= 1
            for top1, known in zip(attempt["top1"], found["best_known"]["top1"], strict=True):
                assert top1 is None or top1 <= known
    (exact, _) = found["engines"]["exact"]
    assert exact["hypervolume_share"] == pytest.approx(1)
    assert exact["top1"] == found["best_known"]["top1"]


def test_what_is_no_engine_can_be_compared(models):
    """An entrant is any function of budgets, evaluations and a seed."""
    table = read_cost_model(models / "cells.json")
    trade_off = TradeOff.of(made_up_accuracy(CELLS, "cells"), table)
    rng = np.random.default_rng(0)
    known = best_known_front(trade_off, rng, 3000)
    limits = budgets_of(models, 0.0, 0.5)
    fastest = trade_off.extremes.fastest[None]
    entrants = {"fastest": lambda *_: fastest, "exact": entrant(trade_off, "exact", 0.95)}
    settings = ComparisonSettings(evaluations=50, seeds=1)
    found = compare_entrants(trade_off, entrants, limits, known, settings)
    assert found.attempts["fastest"][0].share == pytest.approx(0)
    assert found.attempts["exact"][0].share == pytest.approx(1)
    assert (found.shortfall("exact") == 0).all()
    assert found.shortfall("fastest")[0, 1] > 0.1


@pytest.mark.parametrize("name", ["cells", "mobile"])
def test_the_best_known_front_is_the_exact_one_where_that_is_known(models, name):
    space = {"cells": CELLS, "mobile": MOBILE}[name]
    trade_off = TradeOff.of(made_up_accuracy(space, name), read_cost_model(models / f"{name}.json"))
    calls = []
    genes, values = best_known_front(
        trade_off, np.random.default_rng(0), 6000, lambda *done: calls.append(done)
    )
    _, expected = exact_front(trade_off.problem(), np.random.default_rng(0))
    corner = reference(trade_off.problem(), expected)
    assert hypervolume(values, corner) >= hypervolume(expected, corner) * (1 - 1e-4)
    assert np.array_equal(trade_off.problem().values(genes), values)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert calls[-1][0] <= calls[-1][1] == 6000


def test_search_compare_returns_what_the_command_prints(run, models):
    args = ("--engines", "local,random", "--evals", 60, "--seeds", 2, "--best-known", 1000)
    given = {"accuracy": models / "cells.npz", "lut": models / "cells.json"}
    options = CompareOptions(evaluations=60, seeds=2, best_known=1000)
    comparison = search.compare("local,random", **given, options=options)
    printed = accepted(
        run("compare", *args, "--accuracy", given["accuracy"], "--lut", given["lut"], "--json")
    )
    returned = json.loads(json.dumps(comparison.to_dict()))
    for found in (printed, returned):
        for attempts in found["engines"].values():
            for attempt in attempts:
                assert attempt.pop("cpu_s") > 0
    assert returned == printed
    frame = comparison.to_frame()
    assert len(frame) == 2 * 2 * 5
    assert (frame["shortfall"] >= 0).all()
