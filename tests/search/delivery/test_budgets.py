"""Networks that answer a budget, with weights of a supernet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from console import accepted, console, refused
from sklearn.datasets import load_digits
from tables import CELLS
from trade_offs import accuracy_by_macs, budgets_of, cells, generator_for

from luts import write_cost_model
from nasprof.errors import UsageError
from profiler import evaluate
from search import (
    BudgetRequest,
    DeliveryOptions,
    DeliveryRequest,
    Export,
    GenerateOptions,
    deliver,
    generate,
)
from search.cli import main
from search.pnag.checkpoint import write_generator
from supernets import Supernet, SupernetCard, SupernetWeights, read_data, write_supernet

nassearch = console(main)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a supernet of the cells, and images of four digits."""
    folder = tmp_path_factory.mktemp("home")
    known = load_digits()
    few = np.flatnonzero(known.target < 4)[:300]
    images = np.rint(known.images[few] * 255 / 16).astype(np.uint8)
    np.savez(folder / "four.npz", images=images, labels=known.target[few])
    data = read_data(folder / "four.npz", (8, 8, 3))
    card = SupernetCard(CELLS, data.classes, data.normalisation, data=data.facts())
    supernet = Supernet(CELLS, rng=np.random.default_rng(0))
    write_supernet(folder / "s.safetensors", supernet, card)
    return folder


def asked(budget_ms):
    trade_off = cells()
    options = GenerateOptions(generator=generator_for("cells"), speed="table", learn=False)
    return {
        "lut": trade_off.cost,
        "accuracy": trade_off.accuracy,
        "verify": False,
        "options": options,
    }


def test_answers_are_written_with_the_supernet_s_weights_and_evaluated(home, tmp_path, caplog):
    (budget_ms,) = budgets_of(cells(), 0.6)
    weights = SupernetWeights(home / "s.safetensors", home / "four.npz")
    export = Export(tmp_path, ["onnx", "tflite"], supernet=weights)
    replies = generate(budget_ms, export=export, **asked(budget_ms))
    replies.raise_for_error()
    assert "random weights" not in caplog.text
    best = replies[0].best
    told = replies.to_dict()["results"][0]
    assert told["evaluated"]["n"] == 60 and told["evaluated"]["recalibrated_on"] > 100
    data = read_data(home / "four.npz", (8, 8, 3))
    files = [Path(file) for file in best.files if not file.endswith(".json")]
    assert len(files) == 2
    for file in files:
        (result,) = evaluate(file, data.test, data.test.labels, normalisation=data.normalisation)
        assert result.accuracy.top1 == pytest.approx(best.evaluated["top1"])


def test_a_budget_is_answered_and_the_answer_delivered(home, tmp_path):
    (budget_ms,) = budgets_of(cells(), 0.6)
    request = DeliveryRequest(
        home / "s.safetensors",
        home / "four.npz",
        BudgetRequest(budget_ms, **asked(budget_ms)),
        tmp_path / "app",
        options=DeliveryOptions("tflite", protocol="quick:rounds=2,runs=1,repeats=0,sentinel=off"),
    )
    delivery = deliver(request)
    (answer,) = generate(budget_ms, **asked(budget_ms))
    assert delivery.to_dict()["arch"] == answer.best.arch
    assert delivery[0].name == f"{answer.best.name}.tflite"
    assert delivery[0].here.agreement == 100


def test_the_command_asks_the_same(home, tmp_path):
    (budget_ms,) = budgets_of(cells(), 0.6)
    accuracy_by_macs(CELLS, tmp_path / "macs.npz")
    write_cost_model(cells().cost, tmp_path / "table.json")
    write_generator(generator_for("cells"), tmp_path / "generator.npz")
    delivered = accepted(
        nassearch(
            *("deliver", "--supernet", home / "s.safetensors", "--data", home / "four.npz"),
            *("--budget", f"{budget_ms}ms", "--lut", tmp_path / "table.json"),
            *("--accuracy", tmp_path / "macs.npz", "--generator", tmp_path / "generator.npz"),
            *("--no-verify", "--speed", "table"),
            *("--format", "tflite", "--protocol", "quick:rounds=2,runs=1,repeats=0,sentinel=off"),
            *("-o", tmp_path / "app", "--json"),
        )
    )
    genes = CELLS.encode([delivered["arch"]])
    factor = cells().bound(0.95).factor
    assert factor * cells().cost.latency_ms(genes)[0] <= budget_ms
    assert delivered["files"][0]["top1"] == delivered["torch"]["top1"]


def test_a_budget_that_no_network_keeps_is_refused(home, tmp_path):
    low, _ = budgets_of(cells(), 0, 1)
    request = DeliveryRequest(
        home / "s.safetensors",
        home / "four.npz",
        BudgetRequest(low / 2, **asked(low / 2)),
        tmp_path / "app",
    )
    with pytest.raises(UsageError, match="is known to run under") as error:
        deliver(request)
    assert "Allow at least" in error.value.remedy
    assert not (tmp_path / "app").exists()


def test_a_supernet_of_another_space_is_refused_before_anything_is_answered(home, tmp_path):
    (budget_ms,) = budgets_of(cells(), 0.6)
    other = tmp_path / "other.safetensors"
    supernet = Supernet(CELLS, classes=5)
    data = read_data(home / "four.npz", (8, 8, 3))
    write_supernet(
        other, supernet, SupernetCard(supernet.space, tuple("abcde"), data.normalisation)
    )
    export = Export(tmp_path / "out", "onnx", supernet=SupernetWeights(other))
    with pytest.raises(UsageError, match="classes is 5, not 4"):
        generate(budget_ms, export=export, **asked(budget_ms))
    assert not (tmp_path / "out").exists()
    message = refused(nassearch("generate", "--budget", "9ms", "--supernet", other))
    assert "there is no --export" in message
