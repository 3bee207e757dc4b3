"""Training supernets whose networks differ in resolution too."""

import json

import numpy as np
import pytest
import torch
from small_supernets import ELASTIC, SPACES, TINY_MOBILENET, digits_for
from small_trainings import same_weights
from torch.nn import functional

from nasprof.errors import UsageError
from supernets import (
    Evaluator,
    Recipe,
    Supernet,
    TrainingOptions,
    read_supernet,
    train,
    train_supernet,
)
from supernets.training.history import history_path, read_history
from supernets.training.trainer import Trainer


@pytest.fixture(scope="module")
def images():
    return torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def at(resolution, supernet):
    """The largest network of a resolution."""
    genes = supernet.largest.copy()
    genes[0] = ELASTIC.resolutions.index(resolution)
    return genes


@pytest.mark.parametrize("resolution", ELASTIC.resolutions)
def test_training_scales_images_to_the_network(resolution, images):
    supernet, one = Supernet(ELASTIC).train(), Supernet(ELASTIC.at(resolution)).train()
    size = (resolution, resolution)
    smaller = functional.interpolate(images, size, mode="bilinear", antialias=True)
    logits = supernet(images, at(resolution, supernet))
    assert torch.equal(logits, one(smaller, one.largest))
    assert same_weights(supernet, one)  # running statistics too


def test_evaluation_takes_images_as_they_are(images):
    supernet = Supernet(ELASTIC).eval()
    genes = at(10, supernet)
    expected = supernet.subnet(genes)(images)
    assert torch.equal(supernet(images, genes), expected)
    smaller = functional.interpolate(images, (10, 10), mode="bilinear", antialias=True)
    assert not torch.equal(supernet(smaller, genes), expected)


def test_images_of_a_supernet_of_one_resolution_are_never_scaled(images):
    supernet = Supernet(SPACES["ofa-mbv3"]).train()
    assert supernet.scaled(images[..., :9, :9], supernet.smallest).shape[-1] == 9


def test_gradients_of_a_step_are_those_of_each_network_at_its_resolution(images):
    labels = torch.tensor([1, 2, 3, 4])
    recipe = Recipe(steps=4, batch=4, scheme="sandwich", scheme_settings={"random": 1})
    trainer = Trainer(Supernet(ELASTIC), recipe, lambda: (images, labels))
    seen, trained_on = [], type(trainer.supernet.subnet(trainer.supernet.largest)).trained_on

    def noted(self, images, momentum):
        seen.append((tuple(images.shape[-2:]), self.network.inputs[0][:2]))
        return trained_on(self, images, momentum)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("supernets.subnet.Subnet.trained_on", noted)
        for _ in range(4):
            assert np.isfinite(trainer.step().loss)
    assert all(size == own for size, own in seen)
    assert {(10, 10), (16, 16)} <= {size for size, _ in seen}


def test_networks_of_every_resolution_learn_and_are_evaluated(tmp_path):
    path, data = tmp_path / "elastic.safetensors", digits_for(ELASTIC)
    supernet = Supernet(ELASTIC, rng=np.random.default_rng(0))
    options = TrainingOptions(check_images=80)
    result = train(supernet, data, Recipe(steps=40, batch=32), checkpoint=path, options=options)
    losses = [record["loss"] for record in read_history(history_path(path)) if "loss" in record]
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
    assert set(result.accuracy) == {"smallest", "largest", "n"}
    _, card = read_supernet(path)
    assert card.space == ELASTIC
    for member in ELASTIC.members:
        evaluator = Evaluator(supernet.in_space(member), card.in_space(member), digits_for(member))
        largest = (member.n_choices - 1).astype(np.int8)
        assert evaluator.evaluate(largest).accuracy.top1 > 20  # of ten classes


def test_it_goes_on_to_the_same_weights_after_an_interruption(tmp_path):
    def trained(name, progress=None):
        supernet = Supernet(ELASTIC, rng=np.random.default_rng(0))
        recipe = Recipe(steps=4, batch=4, scheme="sandwich")
        options = TrainingOptions(check_images=20)
        path = tmp_path / name
        train(
            supernet,
            digits_for(ELASTIC),
            recipe,
            checkpoint=path,
            options=options,
            progress=progress,
        )
        return supernet

    def stop(status):
        if status.step == 2:
            raise KeyboardInterrupt

    whole = trained("whole.safetensors")
    with pytest.raises(KeyboardInterrupt):
        trained("parts.safetensors", stop)
    assert same_weights(trained("parts.safetensors"), whole)


def test_the_largest_resolution_stays_where_networks_shrink():
    """Progressive shrinking knows kernels, depths and expansions."""
    recipe = Recipe(steps=12, batch=4, scheme="shrinking")
    trainer = Trainer(Supernet(ELASTIC), recipe, lambda: None)
    rng = np.random.default_rng(0)
    lessons = [trainer.scheme.lesson(step, rng).genes for step in range(12)]
    assert {int(row[0]) for genes in lessons for row in genes} == {2}


def test_a_file_names_the_space_and_the_data_the_classes(tmp_path):
    path = tmp_path / "elastic.json"
    of = {name: value for name, value in TINY_MOBILENET.items() if name != "classes"}
    of["space"] = "ofa-mbv3"
    del of["resolution"]
    path.write_text(
        json.dumps({"space": "elastic-resolution", "of": of, "resolutions": [10, 13, 16]})
    )
    options = TrainingOptions(check_images=20)
    trained = train_supernet(
        path, "digits", Recipe(steps=1, batch=4), output=tmp_path / "s.safetensors", options=options
    )
    assert trained.card.space == ELASTIC
    of["classes"] = 12
    given = {"space": "elastic-resolution", "of": of, "resolutions": [10, 16]}
    with pytest.raises(UsageError, match="tell 12 apart"):
        train_supernet(
            given,
            "digits",
            Recipe(steps=1, batch=4),
            output=tmp_path / "t.safetensors",
        )
