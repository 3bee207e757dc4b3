"""A generator in comparisons with engines."""

import numpy as np
import pytest
from click.testing import CliRunner
from tables import audited_table
from trade_offs import (
    CELLS,
    HARDLY,
    MOBILE,
    MODELS,
    budgets_of,
    cells,
    generator_for,
    made_up_accuracy,
    mobile,
)

from luts import write_cost_model
from search.cli import main
from search.generators.answers import answer
from search.generators.entrant import entrant
from search.generators.polish import count_neighbours
from search.runs.best_known import best_known_front
from search.runs.comparison import ComparisonSettings, compare_entrants

every_model = pytest.mark.parametrize("name", list(MODELS))


@every_model
def test_as_an_entrant_it_evaluates_no_more_than_allowed(name):
    trade_off = MODELS[name]()
    budgets_ms = budgets_of(trade_off, 0.1, 0.4, 0.9)
    run = entrant(trade_off, generator_for(name), 0.95)
    found = {}
    for evaluations in (1, 2, 7, 50, 300, 900):
        genes = run(budgets_ms, evaluations, 3)
        assert 1 <= len(genes) <= evaluations * 3
        assert len(np.unique(genes, axis=0)) == len(genes)
        assert np.array_equal(trade_off.space.canonical(genes), genes)
        top1, upper_ms = (
            trade_off.top1(genes),
            trade_off.latency_ms(genes) * trade_off.bound(0.95).factor,
        )
        found[evaluations] = [top1[upper_ms <= each].max() for each in budgets_ms]
    assert np.mean(found[900]) > np.mean(found[50]) > np.mean(found[1])
    assert np.array_equal(run(budgets_ms, 300, 3), run(budgets_ms, 300, 3))
    assert not np.array_equal(run(budgets_ms, 300, 3), run(budgets_ms, 300, 4))


def test_an_entrants_evaluations_are_those_that_it_makes():
    """With as many as an answer takes, it finds what an answer is."""
    trade_off, budgets_ms = mobile(), budgets_of(mobile(), 0.4)
    rng = np.random.default_rng(5)
    (answers,) = answer(generator_for("mobile"), trade_off, budgets_ms, rng)
    genes = entrant(trade_off, generator_for("mobile"), 0.95)(
        budgets_ms, 256 + 5 + 8 * 4 * count_neighbours(MOBILE), 5
    )
    within = trade_off.latency_ms(genes) * trade_off.bound(0.95).factor <= budgets_ms[0]
    assert trade_off.top1(genes)[within].max() == pytest.approx(answers[0].top1, abs=1e-9)


def test_it_is_compared_like_any_engine(rng):
    known = best_known_front(cells(), rng, 2000)
    entrants = {"pnag": entrant(cells(), generator_for("cells"), 0.95)}
    budgets_ms = budgets_of(cells(), 0.2, 0.6)
    settings = ComparisonSettings(evaluations=200, seeds=2)
    found = compare_entrants(cells(), entrants, budgets_ms, known, settings)
    assert len(found.attempts["pnag"]) == 2
    for attempt in found.attempts["pnag"]:
        assert attempt.evaluations <= 400
        assert 0.5 < attempt.share <= 1
    assert (found.shortfall("pnag") < 1).all()


def test_compare_takes_the_generator_for_the_models(tmp_path, monkeypatch):
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    made_up_accuracy(CELLS).as_arrays().write(tmp_path / "accuracy.npz")
    write_cost_model(audited_table(CELLS), tmp_path / "table.json")
    models = ["--accuracy", tmp_path / "accuracy.npz", "--lut", tmp_path / "table.json"]

    def run(*args):
        return CliRunner().invoke(main, [str(arg) for arg in (*args, *models)])

    given = [part for name, value in HARDLY.items() for part in ("--set", f"{name}={value}")]
    assert run("train", *given).exit_code == 0
    options = ("--evals", 120, "--seeds", 1, "--best-known", 2000)
    result = run("compare", "--engines", "random,pnag", *options)
    assert result.exit_code == 0, result.output
    assert {"random", "pnag"} <= set(result.stdout.split())
    assert "pnag was trained once with" in result.stderr
    assert "evaluations, which are not counted" in result.stderr
    assert "Training a generator" not in result.stderr
    refused = run("compare", "--engines", "pnaq", *options)
    assert refused.exit_code == 2
    assert "no engine is called 'pnaq'" in refused.stderr
