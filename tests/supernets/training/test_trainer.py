"""Single steps: rates, averages, channels sorted, what is left alone, what diverges."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from small_supernets import SPACES
from small_trainings import OFTEN, SPACE, StopAfter, digits, same_weights, train_digits

from nasprof.errors import NasprofError
from supernets import Recipe, Supernet
from supernets.data import batches
from supernets.training.history import history_path, read_history
from supernets.training.losses import loss, soft_loss
from supernets.training.memory_limits import OutOfMemory
from supernets.training.optimisers import learning_rate
from supernets.training.run import is_due
from supernets.training.schemes import Lesson, Phase, make_scheme
from supernets.training.sorting import channel_orders, reorder
from supernets.training.stability import DivergenceWatch
from supernets.training.states import state_path
from supernets.training.trainer import LossInvalid, Trainer
from supernets.training.trainer_state import load_state, set_back, state_of

BIAS = "classifier.linear.bias"


@pytest.fixture(scope="module")
def batch():
    chosen = np.arange(8)
    return next(iter(batches(digits().train, digits().normalisation, 8, chosen)))


def trainer_of(batch, supernet=None, **settings):
    supernet = supernet or Supernet(SPACE)
    return Trainer(supernet, Recipe(**{"steps": 8, "batch": 8, **settings}), lambda: batch)


def filled(seed=0):
    """A supernet whose channels all differ."""
    supernet = Supernet(SPACE, rng=np.random.default_rng(seed))
    rng = np.random.default_rng(seed)
    return supernet.load_arrays(
        {
            name: array + np.float32(0.3) * (rng.random(array.shape, np.float32) + ("var" in name))
            for name, array in supernet.arrays().items()
        }
    )


# --- rates ----------------------------------------------------------------------------------------


def test_the_rate_rises_and_falls_along_half_a_cosine():
    recipe, phase = Recipe(learning_rate=0.1, warmup=0.1, final_rate=0.01), Phase("all", 100, 0.5)
    rates = [learning_rate(recipe, phase, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.005, rel=0.01)
    assert max(rates) == pytest.approx(0.05, rel=0.03) and 9 <= np.argmax(rates) <= 10
    assert rates[55] == pytest.approx(
        0.05 * (0.01 + 0.99 * (1 + math.cos(math.pi * 0.55)) / 2), rel=1e-9
    )
    assert rates[-1] == pytest.approx(0.0005, rel=0.1)


def test_steps_at_which_something_is_due():
    for total, times in ((10, 4), (7, 7), (3, 10), (1000, 10)):
        due = [step for step in range(1, total + 1) if is_due(step, total, times)]
        assert due[-1] == total and len(due) == min(total, times)


# --- what moves, and what does not ----------------------------------------------------------------


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_arrays_that_no_network_of_the_step_uses_stay_as_they_are(batch, optimiser):
    trainer = trainer_of(
        batch, optimiser=optimiser, weight_decay=0.1, scheme="uniform", scheme_settings={}
    )
    trainer.step()  # the optimiser has momentum now, of all that was used
    smallest = trainer.supernet.smallest
    trainer.scheme.lesson = lambda step, rng: Lesson(smallest[None])
    used = trainer.supernet.sources(smallest)
    before = {name: value.detach().clone() for name, value in trainer.parameters.items()}
    trainer.step()
    moved = {
        name for name, value in trainer.parameters.items() if not torch.equal(value, before[name])
    }
    assert moved <= used
    assert len(moved) > 0.8 * len([name for name in used if name in trainer.parameters])


def test_norms_biases_and_kernel_matrices_do_not_decay(batch):
    trainer = trainer_of(batch, weight_decay=0.3)
    decay = {
        id(value): group["weight_decay"]
        for group in trainer.optimiser.param_groups
        for value in group["params"]
    }
    assert len(decay) == len(trainer.parameters)
    for name, value in trainer.parameters.items():
        expected = 0.3 if value.dim() > 1 and not name.endswith("_matrix") else 0.0
        assert decay[id(value)] == expected, name


def test_the_average_of_weights_follows_them_and_ends_in_their_place(batch):
    trainer = trainer_of(batch, ema=0.5)
    name = BIAS
    seen = [trainer.parameters[name].detach().clone()]
    for _ in range(4):
        trainer.step()
        seen.append(trainer.parameters[name].detach().clone())
    expected = seen[0]
    for number, weights in enumerate(seen[1:]):
        share = 1 - min(0.5, (1 + number) / (10 + number))
        expected = expected + share * (weights - expected)
    with trainer.final_weights():
        assert torch.allclose(trainer.parameters[name], expected, atol=1e-7)
    assert torch.equal(trainer.parameters[name], seen[-1])
    trainer.settle()
    assert torch.allclose(trainer.parameters[name], expected, atol=1e-7)


def test_gradients_are_clipped(batch):
    free, clipped = trainer_of(batch), trainer_of(batch, clip=1e-3)
    free.step()
    clipped.step()
    norm = math.hypot(
        *(
            value.grad.norm().item()
            for value in clipped.parameters.values()
            if value.grad is not None
        )
    )
    assert norm == pytest.approx(1e-3, rel=1e-2)


def test_a_state_is_the_whole_training(batch):
    settings = {"ema": 0.9, "scheme": "shrinking", "steps": 9}
    one = trainer_of(batch, **settings)
    for _ in range(4):
        one.step()
    about, tensors = state_of(one)
    kept = {name: value.detach().clone() for name, value in tensors.items()}
    rest = [one.step().loss for _ in range(5)]
    two = trainer_of(batch, supernet=filled(), **settings)
    load_state(two, about, kept)
    assert [two.step().loss for _ in range(5)] == rest
    assert same_weights(one.supernet, two.supernet)
    for tampered in (f"weights/{BIAS}", "optimiser/nowhere/exp_avg"):
        with pytest.raises(ValueError, match="shape"):
            set_back(two, 0, {**kept, tampered: torch.zeros(3)})


# --- losses ---------------------------------------------------------------------------------------


def test_a_teacher_is_mixed_with_the_true_labels():
    generator = torch.Generator().manual_seed(0)
    logits, teacher = torch.randn(2, 6, 5, generator=generator)
    labels = torch.arange(6) % 5
    recipe = Recipe()
    hard = loss(logits, labels, None, 0.5, recipe)
    assert hard == torch.nn.functional.cross_entropy(logits, labels)
    soft = -(teacher.softmax(1) * logits.log_softmax(1)).sum(1).mean()
    assert torch.allclose(loss(logits, labels, teacher, 1.0, recipe), soft)
    assert torch.allclose(loss(logits, labels, teacher, 0.3, recipe), 0.7 * hard + 0.3 * soft)
    # At a high temperature the gradient keeps its size.
    steep = [logits.clone().requires_grad_() for _ in range(2)]
    for value, temperature in zip(steep, (1.0, 20.0), strict=True):
        soft_loss(value, teacher, temperature).backward()
    assert 0.2 < steep[1].grad.norm() / steep[0].grad.norm() < 5
    shares = torch.nn.functional.one_hot(labels, 5).float()
    assert torch.allclose(loss(logits, shares, None, 0.5, recipe), hard)


# --- channels ------------------------------------------------------------------------------------


def test_sorted_channels_are_the_same_network_and_the_most_important_ones_come_first(batch):
    supernet = filled().eval()
    images, _ = batch
    with torch.no_grad():
        largest, smallest = (supernet(images, g) for g in (supernet.largest, supernet.smallest))
    tensors = {**dict(supernet.named_parameters()), **dict(supernet.named_buffers())}
    kept = supernet.largest[None]
    orders = channel_orders(supernet.sharing, tensors, kept)
    assert orders
    reorder(orders, tensors)
    with torch.no_grad():
        assert torch.allclose(supernet(images, supernet.largest), largest, atol=1e-4)
        assert not torch.allclose(supernet(images, supernet.smallest), smallest, atol=1e-2)
    for group, _ in orders:
        axis, array = group.axes[group.importance], tensors[group.importance].detach()
        others = [number for number in range(array.dim()) if number != axis]
        importance = array.abs().double().sum(others)
        assert (importance.diff() <= 1e-9).all()


def test_networks_that_were_trained_with_fewer_channels_keep_them(batch):
    supernet = filled().eval()
    images, _ = batch
    kept = make_scheme("shrinking", SPACE, 100).phases[-1].sort_within
    with torch.no_grad():
        before = [supernet(images, genes) for genes in kept]
    tensors = {**dict(supernet.named_parameters()), **dict(supernet.named_buffers())}
    reorder(channel_orders(supernet.sharing, tensors, kept), tensors)
    with torch.no_grad():
        for genes, logits in zip(kept, before, strict=True):
            assert torch.allclose(supernet(images, genes), logits, atol=1e-4)


def test_all_that_is_remembered_of_channels_is_sorted_alike(batch):
    """Sorting in the middle of a training changes neither what is averaged nor what moves next."""
    trainer = trainer_of(batch, ema=0.9, scheme="shrinking", steps=12)
    trainer.scheme.lesson = lambda step, rng: Lesson(trainer.supernet.largest[None])
    trainer.step()
    phase = make_scheme("shrinking", SPACE, 12).phases[-2]
    tensors = trainer.tensors
    groups = channel_orders(trainer.supernet.sharing, tensors, phase.sort_within)
    group, order = next(pair for pair in groups if not torch.equal(pair[1], pair[1].sort()[0]))
    name, axis = group.importance, group.axes[group.importance]
    parameter = trainer.parameters[name]
    moment = trainer.optimiser.state[parameter]["exp_avg"]
    average = trainer.average.averages[name]
    known = [tensor.detach().clone() for tensor in (parameter, moment, average)]
    trainer._sort(phase)
    for before, after in zip(known, (parameter, moment, average), strict=True):
        assert torch.equal(before.index_select(axis, order), after)


# --- faults --------------------------------------------------------------------------------------


def test_a_loss_that_is_no_number_names_step_and_rate_and_keeps_what_was_saved(
    tmp_path, monkeypatch
):
    path = tmp_path / "s.safetensors"
    learn = Trainer._learn

    def spoilt(self, lesson, batch):
        images, labels = batch
        return learn(self, lesson, (images * float("nan") if self.done == 3 else images, labels))

    monkeypatch.setattr(Trainer, "_learn", spoilt)
    with pytest.raises(LossInvalid, match=r"nan at step 4 of 8, where the learning rate is 0\.00"):
        train_digits(path, options=OFTEN, steps=8, batch=4)
    assert state_path(path).exists() and not path.exists()
    monkeypatch.undo()
    supernet, _ = train_digits(path, options=OFTEN, steps=8, batch=4)
    whole, _ = train_digits(tmp_path / "whole.safetensors", steps=8, batch=4)
    assert same_weights(supernet, whole)


def test_too_little_memory_names_a_batch_that_fits(batch, monkeypatch):
    trainer = trainer_of(batch)
    learn = Trainer._learn

    def hungry(self, lesson, some):
        if len(some[0]) > 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return learn(self, lesson, some)

    monkeypatch.setattr(Trainer, "_learn", hungry)
    with pytest.raises(OutOfMemory, match="a batch of 8 images") as caught:
        trainer.step()
    assert caught.value.remedy == "Set batch=2, which fits."


def test_divergence_is_a_loss_that_has_risen_for_good():
    watch = DivergenceWatch(2.0, classes=10)
    rng = np.random.default_rng(0)
    for _ in range(100):
        watch.add(float(rng.normal(0.6, 0.1)))
        assert not watch.diverges
    assert watch.is_calm
    for _ in range(9):
        watch.add(50.0)  # a few bad steps are none
        assert not watch.diverges
    for _ in range(12):
        watch.add(2.0)
    assert watch.diverges and not watch.is_calm
    watch.forget()
    assert not watch.diverges
    never = DivergenceWatch(None, classes=10)
    for value in [0.1] * 50 + [9.0] * 30:
        never.add(value)
    assert not never.diverges
    low = DivergenceWatch(2.0, classes=10)
    for value in [1e-4] * 50 + [1e-2] * 30:
        low.add(value)
    assert not low.diverges, "a loss near 0 rises by a hundred times and means nothing"


class Losses:
    """Steps that are said to have these losses; no network is trained."""

    def __init__(self, monkeypatch, values):
        self.values, self.taken = values, 0
        monkeypatch.setattr(Trainer, "_learn", self)
        monkeypatch.setattr(Trainer, "_move", lambda trainer: None)

    def __call__(self, lesson, batch):
        self.taken += 1
        return self.values[min(self.taken, len(self.values)) - 1]


def test_a_training_that_diverges_is_set_back_and_goes_on_slower(tmp_path, monkeypatch, caplog):
    losses = Losses(monkeypatch, [0.5] * 110 + [5.0] * 11 + [0.5])
    path = tmp_path / "s.safetensors"
    train_digits(path, steps=125, batch=2)
    records = read_history(history_path(path))
    (event,) = (record for record in records if record.get("event") == "set back")
    assert event["to"] == 100 and "back to step 100, with 0.5 of the learning rate" in caplog.text
    assert losses.taken == 125 + event["step"] - event["to"]
    # What was taken again is there once.
    steps = [record["step"] for record in records if "event" not in record]
    assert steps == sorted(set(steps)) and steps[-1] == 125
    rates = {record["step"]: record["learning_rate"] for record in records if "loss" in record}
    recipe = Recipe(steps=125)
    assert rates[101] == learning_rate(recipe, Phase("all", 125), 100) / 2


def test_it_is_also_set_back_after_an_interruption(tmp_path, monkeypatch):
    path = tmp_path / "s.safetensors"
    Losses(monkeypatch, [0.5] * 110 + [5.0] * 11 + [0.5])
    with pytest.raises(KeyboardInterrupt):
        train_digits(path, progress=StopAfter(115), steps=125, batch=2)
    Losses(monkeypatch, [5.0] * 6 + [0.5])
    train_digits(path, steps=125, batch=2)
    events = [record for record in read_history(history_path(path)) if "event" in record]
    assert [event["event"] for event in events] == ["begun", "resumed", "set back", "finished"]
    assert events[2]["to"] == 100


def test_divergence_that_nothing_stops_is_an_error(tmp_path, monkeypatch):
    Losses(monkeypatch, [0.5] * 55 + [5.0])
    with pytest.raises(NasprofError, match="the training diverges at step"):
        train_digits(tmp_path / "s.safetensors", steps=200, batch=2)
    rates = [
        record["learning_rate"]
        for record in read_history(history_path(tmp_path / "s.safetensors"))
        if "event" not in record
    ]
    assert min(rates[50:]) < 0.02 * max(rates)


def test_nasbench201_has_no_channels_to_sort():
    assert not Supernet(SPACES["nasbench201"]).sharing.channel_groups
