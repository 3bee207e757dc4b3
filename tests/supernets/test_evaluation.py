"""Accuracy of a supernet's networks: what is measured, on which images, with which statistics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_supernets import SPACES, card_of, digits_for, trained_supernet

from nasprof.errors import UsageError
from spaces.weights import random_weights
from supernets import Evaluator, Recalibration, Subnet, Supernet, SupernetCard
from supernets.data import batches

every_space = pytest.mark.parametrize("name", SPACES)


@pytest.fixture(scope="module")
def digits():
    return {name: digits_for(space) for name, space in SPACES.items()}


@pytest.fixture(scope="module")
def trained():
    return trained_supernet()


def test_recalibration_is_what_accuracy_needs(trained, caplog):
    supernet, card, data = trained
    evaluation = Evaluator(supernet, card, data).evaluate(supernet.smallest)
    shared = Evaluator(supernet, card, data).inherited(supernet.smallest)
    inherited = Evaluator(supernet, card, data, recalibration=Recalibration(images=0))
    assert "Batch norm is not recalibrated" in caplog.text
    without = inherited.evaluate(supernet.smallest)
    assert evaluation.accuracy.top1 > 60
    assert evaluation.accuracy.top1 > without.accuracy.top1
    assert shared == without.accuracy
    assert 0 < evaluation.recalibration_cpu_s < evaluation.cpu_s
    assert without.recalibration_cpu_s < evaluation.recalibration_cpu_s
    assert evaluation.recalibrated_on == 500 and without.recalibrated_on == 0
    assert evaluation.accuracy.n == len(data.test)
    assert evaluation.accuracy.low < evaluation.accuracy.top1 < evaluation.accuracy.high


@every_space
def test_folding_batch_norm_changes_no_logit(name, digits):
    space, data = SPACES[name], digits[name]
    images, _ = next(batches(data.train, data.normalisation, 50))
    rng = np.random.default_rng(0)
    for genes in space.sample(4, rng):
        network = space.network(genes)
        arrays = random_weights(network, rng)
        subnet = Subnet(network, {name: torch.from_numpy(a) for name, a in arrays.items()})
        with torch.no_grad():
            expected = subnet(images)
        logits = subnet.folded()(images)
        assert not logits.requires_grad
        assert torch.allclose(logits, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
        assert expected.std() > 1e-3


def test_folded_networks_compute_in_the_precision_of_their_tensors():
    network = SPACES["nasbench201"].network(np.array([3, 2, 1, 3, 2, 3], np.int8))
    arrays = random_weights(network, np.random.default_rng(0))
    doubles = {name: torch.from_numpy(array).double() for name, array in arrays.items()}
    images = torch.rand(2, *np.roll(network.inputs[0], 1), dtype=torch.float64)
    subnet = Subnet(network, doubles)
    logits = subnet.folded()(images)
    assert logits.dtype == torch.float64
    assert torch.allclose(logits, subnet(images), rtol=1e-4, atol=1e-5)


@every_space
def test_the_same_images_give_the_same_accuracy(name, digits):
    space, data = SPACES[name], digits[name]
    supernet = Supernet(space, rng=np.random.default_rng(1))
    card = card_of(space, data)
    genes = space.sample(1, np.random.default_rng(2))[0]
    recalibration = Recalibration(images=60, batch=20, seed=3)
    logits = []
    for batch in (50, 50, 33):
        evaluator = Evaluator(
            supernet, card, data, split="validation", recalibration=recalibration, batch=batch
        )
        logits.append(evaluator.logits(evaluator.recalibrated(genes)))
    assert np.array_equal(logits[0], logits[1])
    assert np.allclose(logits[0], logits[2], atol=1e-4)
    assert logits[0].shape == (len(data.validation), 10)


def test_other_calibration_images_by_seed_but_never_those_of_the_test():
    chosen = [Recalibration(images=50, seed=seed).choose(300) for seed in (0, 0, 1)]
    assert np.array_equal(chosen[0], chosen[1]) and not np.array_equal(chosen[0], chosen[2])
    assert len(set(chosen[0].tolist())) == 50
    assert len(Recalibration(images=500).choose(300)) == 300


def test_classes_are_matched_by_name(digits):
    space, data = SPACES["ofa-mbv3"], digits["ofa-mbv3"]
    supernet = Supernet(space)
    turned = SupernetCard(space, data.classes[::-1], data.normalisation, data=data.facts())
    labels = Evaluator(supernet, turned, data).labels
    assert np.array_equal(labels, 9 - data.test.labels)
    with pytest.raises(UsageError, match="10 classes, the supernet 3"):
        Evaluator(supernet, SupernetCard(space, ("a", "b", "c"), data.normalisation), data)
    other = SupernetCard(space, tuple("abcdefghij"), data.normalisation, data=data.facts())
    with pytest.raises(UsageError, match="has a class '0' that the supernet does not know"):
        Evaluator(supernet, other, data)


@pytest.mark.parametrize(("field", "value"), [("images", -1), ("batch", 1), ("seed", "a")])
def test_impossible_recalibrations_are_refused(field, value):
    with pytest.raises(UsageError, match=field):
        Recalibration(**{field: value})
