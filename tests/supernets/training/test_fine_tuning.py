"""One network that is trained further, alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_supernets import trained_supernet

from nasprof.errors import UsageError
from supernets import Evaluator, FineTuning, fine_tune
from supernets.training.trainer import LossInvalid


@pytest.fixture(scope="module")
def evaluator():
    return Evaluator(*trained_supernet())


def small_part():
    """The images, but few to train on."""
    data = trained_supernet()[2]
    train = data.train
    return replace(data, train=replace(train, labels=train.labels[:192], rows=train.rows[:192]))


def test_a_network_learns_and_what_it_came_from_stays(evaluator):
    supernet, _, data = trained_supernet()
    subnet = evaluator.recalibrated(supernet.smallest)
    before = subnet.arrays()
    steps = []
    learned = fine_tune(
        subnet,
        data,
        FineTuning(epochs=1, learning_rate=5e-3),
        teacher=evaluator.recalibrated(supernet.largest).folded(),
        progress=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(number, 19) for number in range(1, 20)]
    hits = [
        (evaluator.logits(evaluator.recalibrate(network)).argmax(1) == evaluator.labels).mean()
        for network in (subnet, learned)
    ]
    assert hits[1] > hits[0] + 0.03
    assert all(np.array_equal(before[name], array) for name, array in subnet.arrays().items())
    assert not any(tensor.requires_grad for tensor in learned.tensors.values())


def test_the_same_seed_learns_the_same(evaluator):
    supernet, data = trained_supernet()[0], small_part()
    subnet = evaluator.recalibrated(supernet.smallest)
    learned = [fine_tune(subnet, data, FineTuning(seed=seed)).arrays() for seed in (0, 0, 1)]
    name = next(iter(learned[0]))
    assert all(np.array_equal(learned[0][key], learned[1][key]) for key in learned[0])
    assert not np.array_equal(learned[0][name], learned[2][name])
    assert torch.get_num_threads() >= 1


def test_a_loss_that_is_no_number_is_told(evaluator):
    supernet, data = trained_supernet()[0], small_part()
    subnet = evaluator.recalibrated(supernet.smallest)
    broken = {**subnet.tensors, "classifier.linear.bias": torch.full((10,), torch.inf)}
    with pytest.raises(LossInvalid, match=r"the loss is nan at step 1 of 3 of the fine-tuning"):
        fine_tune(replace(subnet, tensors=broken), data, FineTuning())
    with pytest.raises(UsageError, match="epochs"):
        FineTuning(epochs=0)
