"""Accuracy models learned from a supernet: kept by its weights and images, asked like any other."""

from __future__ import annotations

import numpy as np
import pytest
from console import console, refused
from small_supernets import SPACES, card_of, digits_for

from nasprof.classification import Accuracy
from search import EvaluationOptions, fit_supernet, predict_accuracy
from search.accuracy.errors import CannotRank
from search.cli import main
from search.objectives.supernet_accuracy import SupernetEvaluator
from search.runs import supernet_accuracy
from search.runs.supernet_accuracy import accuracy_of_supernet, learning_options
from supernets import Evaluation, Supernet, write_supernet

nassearch = console(main)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    space = SPACES["ofa-mbv3"]
    path = tmp_path_factory.mktemp("supernet") / "small.safetensors"
    write_supernet(path, Supernet(space), card_of(space, digits_for(space)))
    return path


@pytest.fixture(autouse=True)
def own_data(tmp_path, monkeypatch):
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))


@pytest.fixture
def clear_cut(monkeypatch):
    """Evaluations after which accuracy follows from size: these few images tell nothing apart."""

    def evaluate(self, genes):
        accuracies = [
            Accuracy(359, top1, top1 - 1, top1 + 1, None, (top1,) * 10)
            for top1 in (60 + self.space.macs(genes) / 1e5).tolist()
        ]
        return [Evaluation(accuracy, 500, 0.1, 0.1) for accuracy in accuracies]

    monkeypatch.setattr(SupernetEvaluator, "evaluate", evaluate)
    monkeypatch.setattr(supernet_accuracy, "usable_cores", lambda: 1)


def test_what_was_learned_from_some_networks_predicts_all(clear_cut, checkpoint, tmp_path):
    supernet = Supernet(SPACES["ofa-mbv3"])
    path = tmp_path / "mine.npz"
    about = fit_supernet(checkpoint, "digits", path, options=EvaluationOptions(random=40)).to_dict()
    assert about["networks"] == 40
    assert about["source"] == "40 networks of small.safetensors on the validation images of digits"
    ends = np.stack([supernet.smallest, supernet.largest])
    small, large = predict_accuracy((supernet.space, ends), accuracy=path)
    assert small.top1 < large.top1


def test_a_model_is_kept_for_weights_and_images(clear_cut, checkpoint, monkeypatch):
    monkeypatch.setattr(supernet_accuracy, "NETWORKS", 40)
    first = accuracy_of_supernet(checkpoint, "digits", None)
    monkeypatch.setattr(SupernetEvaluator, "evaluate", None)
    again = accuracy_of_supernet(checkpoint, "digits", None)
    assert again.name == first.name and again.name.startswith("small-")
    genes = first.spaces[0].sample(3, np.random.default_rng(0))
    assert np.array_equal(
        again.top1(genes, space=again.spaces[0]), first.top1(genes, space=first.spaces[0])
    )


def test_networks_to_learn_from_are_evaluated_on_several_cores(monkeypatch):
    for cores, executor, workers in ((1, "serial", 1), (2, "processes", 2), (64, "processes", 4)):
        monkeypatch.setattr(supernet_accuracy, "usable_cores", lambda cores=cores: cores)
        options = learning_options(40, 3)
        assert (options.executor, options.workers) == (executor, workers)
        assert (options.random, options.seed) == (40, 3)


def test_images_that_rank_nothing_are_refused(checkpoint, tmp_path):
    with pytest.raises(CannotRank, match="do not allow to rank"):
        fit_supernet(checkpoint, "digits", tmp_path / "x.npz", options=EvaluationOptions(random=20))
    assert not (tmp_path / "x.npz").exists()


def test_the_command_needs_images(checkpoint):
    assert "--data" in refused(nassearch("fit", str(checkpoint)))
