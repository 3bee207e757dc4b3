"""Training generators: the same each time, gone on with after any interruption, and of use."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quick_trainings import Stop
from tables import audited_table
from trade_offs import CELLS, cells, learned, made_up_accuracy, mobile

from luts import write_cost_model
from nasprof.errors import UsageError
from search.cli import main
from search.generators import training
from search.generators.checkpoint import CheckpointInvalid, read_checkpoint
from search.objectives.trade_off import TradeOff
from search.pnag import learnt
from search.pnag.checkpoint import TRAINING
from search.pnag.rewards import Batch, rewards
from search.pnag.settings import TrainingSettings
from search.pnag.trainer import Trainer
from search.pnag.training import train

SMALL = {
    "knots": 3,
    "steps": 7,
    "groups": 4,
    "samples": 6,
    "embedding": 4,
    "hidden": 5,
    "pool": 60,
    "refresh": 2,
    "refine": 3,
    "evaluator_width": 8,
}
WAYS = {name: TrainingSettings(reward=name, **SMALL) for name in rewards} | {
    "published": TrainingSettings.published(**{**SMALL, "refresh": 0, "refine": 0}),
    "one knot": TrainingSettings(**{**SMALL, "knots": 1}),
    "one budget": TrainingSettings(**{**SMALL, "groups": 1}),
    "constant entropy": TrainingSettings(**SMALL, entropy=0.0, final_entropy=0.0),
}

every_way = pytest.mark.parametrize("way", list(WAYS))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "SAVED_EVERY", 2)
    monkeypatch.setattr(learnt, "EPOCHS", 3)


def contents(generator):
    """Everything a generator is."""
    weights = {name: each.tobytes() for name, each in generator.policy.weights.items()}
    knots_ms, elites = generator.scale.knots_ms.tolist(), generator.elites.tolist()
    return weights, knots_ms, elites, json.dumps(generator.provenance, allow_nan=False)


# --- the same each time -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "way"),
    [*((mobile, way) for way in WAYS), (cells, "learnt"), (learned, "dominance")],
)
@pytest.mark.no_cover
def test_the_same_seed_trains_the_same_generator(model, way):
    first, again = (train(model(), WAYS[way], 3) for _ in range(2))
    assert contents(first) == contents(again)
    assert contents(first)[0] != contents(train(model(), WAYS[way], 4))[0]


@every_way
@pytest.mark.no_cover
def test_an_interrupted_training_goes_on_as_if_never_interrupted(way, tmp_path):
    whole = train(mobile(), WAYS[way], 5)
    checkpoint = tmp_path / "g.npz.training"
    # Before anything is saved, between two saves, right before a save, and after the last.
    for steps in (1, 3, 6, 7):
        with pytest.raises(KeyboardInterrupt):
            train(mobile(), WAYS[way], 5, progress=Stop(steps), checkpoint=checkpoint)
        assert checkpoint.exists() == (steps > 1)
    done = []
    resumed = train(
        mobile(), WAYS[way], 5, progress=lambda *step: done.append(step), checkpoint=checkpoint
    )
    assert done == [(7, 7)]
    assert contents(resumed) == contents(whole)


def test_a_finished_training_is_not_taken_further(tmp_path):
    chosen = replace(WAYS["learnt"], steps=6)
    whole = train(cells(), chosen, checkpoint=tmp_path / "c")
    again = train(cells(), chosen, progress=Stop(7), checkpoint=tmp_path / "c")
    assert contents(again) == contents(whole)


def test_what_is_saved_is_everything_that_changes():
    """A trainer restored from its state has the same state."""
    for way, chosen in WAYS.items():
        trainer = Trainer(mobile(), chosen, 1)
        for _ in range(5):
            trainer.step()
        about, arrays = trainer.state()
        other = Trainer(mobile(), chosen, 2)
        other.load_state(json.loads(json.dumps(about, allow_nan=False)), arrays)
        assert np.array_equal(other.elites.top1, trainer.elites.top1)
        assert np.array_equal(other.elites.latency_ms, trainer.elites.latency_ms)
        found, values = other.state()
        assert found == about, way
        assert values.keys() == arrays.keys()
        for name, array in arrays.items():
            assert values[name].dtype == array.dtype
            assert np.array_equal(values[name], array), (way, name)


def test_training_tells_what_it_was_and_how_much_it_evaluated():
    chosen = replace(WAYS["dominance"], refine=0)
    about = train(cells(), chosen, 9).provenance
    assert about["evaluations"] == 7 * 4 * 6
    assert about["settings"] == chosen.to_dict()
    assert (about["seed"], about["accuracy"], about["cost"]) == (9, "made-up", "made-up")
    assert "evaluator" not in about
    published = train(cells(), WAYS["published"], 9).provenance
    trained = len(np.unique(CELLS.sample(60, np.random.default_rng(0), "biased"), axis=0))
    assert abs(published["evaluations"] - 7 * 3 * 6 - trained) < 10
    assert len(published["evaluator"]["kendall"]) == 3
    refined = train(cells(), WAYS["dominance"], 9).provenance
    assert refined["evaluations"] > about["evaluations"]


def test_other_threads_are_left_as_they_were():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    seen = []
    try:
        train(cells(), WAYS["mnasnet"], progress=lambda *_: seen.append(torch.get_num_threads()))
        after = torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {1}
    assert after == 3


# --- checkpoints that cannot be gone on with --------------------------------------------------


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an interrupted training leaves."""
    path = tmp_path_factory.mktemp("begun") / "g.npz.training"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "SAVED_EVERY", 2)
        patch.setattr(learnt, "EPOCHS", 1)
        train(cells(), WAYS["learnt"], 5, progress=Stop(3), checkpoint=path)
    return path


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 6}, "other seed"),
        ({"settings": replace(WAYS["learnt"], samples=7)}, "other settings"),
        ({"seed": 6, "settings": WAYS["dominance"]}, "other settings and seed"),
        ({"trade_off": TradeOff.of(made_up_accuracy(CELLS, "mine"), cells().cost)}, "accuracy"),
        (
            {"trade_off": TradeOff.of(made_up_accuracy(CELLS, seed=1), cells().cost)},
            "other fingerprint",
        ),
        ({"trade_off": learned}, "other cost and fingerprint"),
    ],
)
def test_another_training_is_refused_by_what_differs(begun, changes, named):
    asked = {"trade_off": cells(), "settings": WAYS["learnt"], "seed": 5, **changes}
    if asked["trade_off"] is learned:  # not by every process that collects tests
        asked["trade_off"] = learned()
    kept = begun.read_bytes()
    with pytest.raises(UsageError, match=named) as refused:
        train(**asked, checkpoint=begun)
    assert not isinstance(refused.value, CheckpointInvalid)
    assert "--fresh" in refused.value.remedy
    assert begun.read_bytes() == kept


def refused_as_damaged(path):
    kept = path.read_bytes()
    with pytest.raises(CheckpointInvalid, match=path.name):
        train(cells(), WAYS["learnt"], 5, checkpoint=path)
    assert path.read_bytes() == kept


damaging = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@damaging
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_training_is_found(begun, tmp_path, share):
    data = begun.read_bytes()
    path = tmp_path / "cut.training"
    path.write_bytes(data[: int(share * len(data))])
    refused_as_damaged(path)


@damaging
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_changes_nothing_or_is_found(begun, tmp_path, share, bit):
    """Some bytes of a zip file, such as dates, mean nothing to anyone."""
    data = bytearray(begun.read_bytes())
    data[int(share * len(data))] ^= 1 << bit
    path = tmp_path / "flipped.training"
    path.write_bytes(data)
    try:
        found = read_checkpoint(path, TRAINING)
    except CheckpointInvalid:
        refused_as_damaged(path)
    else:
        assert found.digest() == read_checkpoint(begun, TRAINING).digest()


@pytest.mark.parametrize("array", ["policy/heads", "elites", "reward/pool", "elites-top1"])
def test_a_training_without_an_array_is_found(begun, tmp_path, array):
    archive = read_checkpoint(begun, TRAINING)
    about = {key: value for key, value in archive.about.items() if key != "sha256"}
    arrays = {name: value for name, value in archive.arrays.items() if name != array}
    type(archive)(about, arrays).write(tmp_path / "less.training")
    refused_as_damaged(tmp_path / "less.training")


# --- killed -----------------------------------------------------------------------------------


@pytest.mark.no_cover
def test_a_killed_training_is_gone_on_with_by_the_same_command(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SAVED_EVERY", 50)
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    made_up_accuracy(CELLS).as_arrays().write(tmp_path / "accuracy.npz")
    write_cost_model(audited_table(CELLS), tmp_path / "table.json")
    command = ["train", "--accuracy", tmp_path / "accuracy.npz", "--lut", tmp_path / "table.json"]
    for name, value in {**SMALL, "steps": 250, "refine": 50}.items():
        command += ["--set", f"{name}={value}"]

    def run(output):
        result = CliRunner().invoke(main, [*map(str, command), "-o", str(output)])
        assert result.exit_code == 0, result.output
        return result.stderr

    killed, left = tmp_path / "killed.npz", tmp_path / "killed.npz.training"
    program = [sys.executable, "-c", "from search.cli import main; main()"]
    process = subprocess.Popen(
        [*program, *map(str, command), "-o", str(killed)], stderr=subprocess.PIPE, env=os.environ
    )
    while not left.exists() and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    _, stderr = process.communicate()
    assert process.returncode == -9, stderr.decode()
    assert not killed.exists()
    assert "Going on with what" in run(killed)
    assert not left.exists()
    assert "Going on" not in run(tmp_path / "whole.npz")
    assert killed.read_bytes() == (tmp_path / "whole.npz").read_bytes()


# --- what a step makes of rewards -------------------------------------------------------------


def advantages_of(**changes):
    """What a step makes of two budgets' rewards, of which the last two are over the budget."""
    trainer = Trainer(cells(), TrainingSettings(**{**SMALL, "reward": "mnasnet", **changes}), 0)
    trainer.reward = lambda batch: batch.top1
    top1 = np.array([[1.0, 3.0, 5.0, 7.0], [2.0, 2.0, 2.0, 2.0]])
    latency_ms = np.tile([1.0, 1.0, 3.0, 3.0], (2, 1))
    genes = np.zeros((2, 4, CELLS.n_genes), np.int8)
    return trainer, Batch(genes, top1, latency_ms, np.full(2, 2.0))


def test_architectures_are_compared_with_the_others_of_their_budget():
    trainer, batch = advantages_of(overshoot=1.0)
    expected = np.array([-3, -1, 1, 3]) / np.sqrt(5)
    assert trainer._advantages(batch)[0] == pytest.approx(expected)
    assert trainer._advantages(batch)[1].tolist() == [0, 0, 0, 0]


def test_overshooting_costs_more_where_it_is_worse_than_expected():
    trainer, batch = advantages_of(overshoot=5.0)
    turned = replace(batch, top1=-batch.top1)
    expected = np.array([-3, -1, 1, 3]) / np.sqrt(5)
    assert trainer._advantages(batch)[0] == pytest.approx(expected)
    assert trainer._advantages(turned)[0] == pytest.approx(-expected * [1, 1, 5, 5])


def test_a_moving_baseline_remembers_earlier_steps():
    trainer, batch = advantages_of(baseline="moving", overshoot=1.0)
    first = trainer._advantages(batch)
    assert first == pytest.approx(batch.top1 - 3)
    later = trainer._advantages(replace(batch, top1=batch.top1 + 100))
    assert later == pytest.approx(batch.top1 + 100 - (0.99 * 3 + 0.01 * 103))


# --- of use -----------------------------------------------------------------------------------


def quality(trade_off, policy, scale):
    """Share of samples within the budget, and their mean accuracy where others count as least."""
    rng = np.random.default_rng(0)
    ends = trade_off.extremes
    budgets_ms = np.repeat(np.geomspace(ends.min_ms, ends.max_ms, 12)[1:-1], 40)
    genes = policy.sample(scale.weights(budgets_ms), rng)
    within = trade_off.latency_ms(genes) <= budgets_ms
    least = trade_off.top1(ends.fastest[None])[0]
    return within.mean(), np.where(within, trade_off.top1(genes), least).mean()


@pytest.mark.no_cover
@pytest.mark.parametrize("way", ["dominance", "learnt"])
def test_policies_get_better(way, monkeypatch):
    monkeypatch.setattr(learnt, "EPOCHS", 30)
    changes = {"steps": 60, "groups": 8, "samples": 12, "hidden": 24, "embedding": 12, "pool": 400}
    changes |= {"learning_rate": 0.01, "refine": 10, "refresh": 20}
    trainer = Trainer(mobile(), replace(WAYS[way], **changes), 0)
    share, top1 = quality(mobile(), trainer.policy, trainer.scale)
    while not trainer.done:
        trainer.step()
    later_share, later_top1 = quality(mobile(), trainer.policy, trainer.scale)
    assert later_share > share + 0.1
    assert later_top1 > top1 + 0.6
