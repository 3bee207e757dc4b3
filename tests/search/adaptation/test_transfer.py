"""A supernet adapted to images while its networks are searched: what it promises."""

from __future__ import annotations

import json
import resource
import signal
from contextlib import contextmanager

import numpy as np
import pytest
from small_supernets import SPACES
from small_transfers import (
    FEW,
    small_transfer,
    told,
    write_digits,
    write_source,
)
from two_workers import run_script

from nasprof.errors import NasprofError, UsageError
from search import DeliveryOptions, Models, TransferOptions, TransferProgress
from search.adaptation.deliveries import DeliveredNetworks, deliver_networks
from search.adaptation.log import TransferBusy, TransferInvalid, TransferLog, TransferMismatch
from search.adaptation.settings import METHODS, settings_of
from search.adaptation.transfer import LOG
from search.adaptation.workers import Workers
from search.executors.child import Child
from supernets import Evaluator, Recalibration, read_supernet
from supernets.checkpoint import weights_digest
from supernets.training.states import state_path


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A transfer that was not interrupted."""
    return small_transfer(tmp_path_factory.mktemp("done") / "out")


def lines(folder):
    return [json.loads(line) for line in (folder / LOG).read_text().splitlines()]


# --- what comes of it -------------------------------------------------------------------------


def test_the_front_has_networks_that_none_dominates_with_accuracies_on_all_images(done):
    points = [(-one["values"]["top1"], one["values"]["macs"]) for one in done.front]
    assert points
    for number, point in enumerate(points):
        others = points[:number] + points[number + 1 :]
        assert not any(all(a <= b for a, b in zip(other, point, strict=True)) for other in others)
    assert all(0 <= one["test_top1"] <= 100 for one in done.front)
    data = done.to_dict()
    assert data["iterations"] == FEW["iterations"] == len(data["history"])
    assert data["supernet"] == str(done.path)
    # 6 at first, 6 kept and 3 new ones, then 3 more.
    assert data["evaluations"] == 6 + 9 + 3 == settings_of("nat", changes=FEW).evaluations
    assert done.path.exists()
    assert not state_path(done.path).exists()


def test_values_are_those_of_a_fresh_evaluation_with_the_final_weights(done):
    supernet, card = read_supernet(done.path)
    recalibration = Recalibration(FEW["recalibration"])
    data = digits_split(card, done.path.parents[1] / "digits.npz")
    first = Evaluator(
        supernet,
        card,
        data.limited("validation", 60),
        split="validation",
        recalibration=recalibration,
    )
    whole = {
        split: Evaluator(supernet, card, data, split=split, recalibration=recalibration)
        for split in ("validation", "test")
    }
    for one in done.front:
        genes = supernet.space.encode([one["arch"]])[0]
        assert first.evaluate(genes).accuracy.top1 == one["values"]["top1"]
        for split, evaluator in whole.items():
            assert evaluator.evaluate(genes).accuracy.top1 == one[f"{split}_top1"]


def digits_split(card, path):
    """The digits as they were split for the transfer: a fifth of the images validates."""
    from supernets.weights import images_for

    data = images_for(card, card.space, path)
    assert len(data.validation) == pytest.approx(0.2 * 300, abs=5)
    assert data.fingerprint == card.data["fingerprint"]
    return data


def test_every_value_in_the_log_stands_with_the_weights_that_it_is_of(done):
    evaluated = [line for line in lines(done.path.parent) if line.get("event") == "evaluated"]
    digests = {}
    for line in evaluated:
        digests.setdefault(line["iteration"], set()).add(tuple(line["weights"]))
    assert [len(of_one) for of_one in digests.values()] == [1, 1]
    assert digests[0] != digests[1]
    supernet, _ = read_supernet(done.path)
    assert digests[1] == {(weights_digest(supernet.arrays()),)}
    # All that were kept are evaluated anew, with the weights as they are.
    last = [line["genes"] for line in evaluated if line["iteration"] == 1]
    first = [line["genes"] for line in evaluated if line["iteration"] == 0]
    assert len(last) == 9 + 3
    assert all(genes in last for genes in first)


def test_the_same_seed_gives_the_same_and_another_one_another(done, tmp_path):
    again = small_transfer(tmp_path / "again")
    assert told(again) == told(done)
    other = small_transfer(tmp_path / "other", seed=1)
    assert told(other) != told(done)


def test_what_is_finished_is_not_done_again(done):
    before = done.path.read_bytes()
    seen = []
    again = small_transfer(
        done.path.parent, progress=TransferProgress(evaluating=lambda *_: seen.append(1))
    )
    assert again.to_dict() == done.to_dict()
    assert not seen
    assert done.path.read_bytes() == before


def test_fresh_begins_anew(tmp_path):
    small_transfer(tmp_path / "out", steps=4)
    with pytest.raises(TransferMismatch, match=r"length.steps was 4, now 6"):
        small_transfer(tmp_path / "out", steps=6)
    assert small_transfer(tmp_path / "out", steps=6, fresh=True).record["steps"] == 6


@pytest.mark.no_cover
def test_worker_processes_find_the_same_and_stay(tmp_path, monkeypatch):
    started = []
    begin = Child.start

    def start(*given, **more):
        started.append(given)
        return begin(*given, **more)

    monkeypatch.setattr(Child, "start", start)
    given = {"steps": 2, "settings": {"iterations": 2, "initial": 4, "archive": 4, "final": 0}}
    alone = small_transfer(tmp_path / "alone", **given)
    spread = small_transfer(tmp_path / "spread", executor="processes", workers=1, **given)
    assert told(spread) == told(alone)
    assert len(started) == 1


def test_a_time_becomes_steps_and_images_once(tmp_path):
    given = {"steps": None, "seconds": 6.0, "settings": {"validation": None}}
    with pytest.raises(KeyboardInterrupt):
        small_transfer(tmp_path / "out", progress=TransferProgress(iteration=Stop(1)), **given)
    begun = lines(tmp_path / "out")
    result = small_transfer(tmp_path / "out", **given)
    log = lines(tmp_path / "out")
    assert log[: len(begun)] == begun  # what was decided is not decided again
    plan = next(line for line in log if line.get("event") == "planned")
    assert result.record["validation_images"] == plan["validation"] >= 50
    steps = [line["steps"] for line in log if line.get("event") == "begun"]
    assert len(steps) == 2
    assert result.record["steps"] == sum(steps)


def test_too_little_time_says_how_much_is_needed(tmp_path):
    with pytest.raises(UsageError, match="too few") as error:
        small_transfer(tmp_path / "out", steps=None, seconds=0.5)
    assert "--seconds" in error.value.remedy


# --- interrupted ------------------------------------------------------------------------------


class Stop:
    """Interrupts at the n-th word of one kind."""

    def __init__(self, after):
        self.left = after

    def __call__(self, *_):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("what", "after"),
    [("training", 3), ("training", 7), ("evaluating", 4), ("evaluating", 12), ("iteration", 1)],
)
def test_interrupted_in_any_phase_it_goes_on_to_the_same(done, tmp_path, what, after):
    with pytest.raises(KeyboardInterrupt):
        small_transfer(tmp_path / "out", progress=TransferProgress(**{what: Stop(after)}))
    again = small_transfer(tmp_path / "out")
    assert told(again) == told(done)
    assert again.path.read_bytes()[8:] != b""


KILLER = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from small_transfers import small_transfer
from search.adaptation.transfer import LOG
from search.adaptation.workers import Workers
from search.executors.child import Child

folder, kills = Path(sys.argv[1]), int(sys.argv[2])
torch.optim.AdamW([torch.zeros(1, requires_grad=True)])  # what is imported with the first one
torch.set_num_threads(1)
chance = random.Random(0)


def size():
    return sum(path.stat().st_size for path in folder.glob("*") if path.is_file())


for _ in range(kills):
    child = os.fork()
    if child == 0:
        small_transfer(folder)
        os._exit(0)
    before, end = size(), time.monotonic() + 60
    while size() == before and time.monotonic() < end and not os.waitpid(child, os.WNOHANG)[0]:
        time.sleep(0.001)  # every attempt gets a step further
    time.sleep(chance.uniform(0, 0.2))
    try:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    except (ProcessLookupError, ChildProcessError):
        pass
"""


@pytest.mark.no_cover
def test_killed_at_any_moment_it_goes_on_to_the_same(done, tmp_path):
    write_source(tmp_path / "S.safetensors")
    run_script(KILLER, str(tmp_path / "out"), "6")
    assert told(small_transfer(tmp_path / "out")) == told(done)


# --- methods ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_every_method_ends_with_a_front_and_trains_what_it_says(tmp_path, method):
    folder = tmp_path / "out"
    settings = {"archive": 4, "final": 0, "iterations": 1}
    result = small_transfer(folder, method=method, settings=settings, steps=3)
    assert result.front
    before = read_supernet(write_source(tmp_path / "S.safetensors"))[0]
    after = read_supernet(result.path)[0]
    changed = {
        name
        for name, array in after.arrays().items()
        if not np.array_equal(array, before.arrays()[name]) and "running" not in name
    }
    convolutions = {name for name in changed if after.arrays()[name].ndim == 4}
    used = {
        "largest": after.sources(after.largest),
        "smallest": after.sources(after.smallest),
    }
    if method == "classifier":
        assert changed
        assert not convolutions
    elif method in used:
        assert changed <= used[method]
    else:
        assert convolutions


def test_candidates_may_be_bred_or_random(tmp_path):
    for kind in ("bred", "random"):
        result = small_transfer(tmp_path / kind, settings={"candidates": kind}, steps=2)
        assert result.record["evaluations"] > FEW["initial"]


def test_several_data_sets_have_a_supernet_each(tmp_path):
    data = [write_letters(tmp_path / "letters"), write_digits(tmp_path / "digits.npz")]
    settings = {"iterations": 1, "archive": 4, "initial": 4, "final": 1}
    result = small_transfer(tmp_path / "out", data=data, settings=settings, steps=2)
    assert list(result.record["objectives"]) == ["top1@letters", "top1@digits", "macs"]
    assert {path.name for path in result.supernets.values()} == {
        "letters.safetensors",
        "digits.safetensors",
    }
    classes = {name: len(read_supernet(path)[1].classes) for name, path in result.supernets.items()}
    assert classes == {"letters": 3, "digits": 10}
    assert all(len(one["test_top1"]) == 2 for one in result.front)
    options = DeliveryOptions(formats="onnx", protocol="quick:rounds=2,runs=1")
    wanted = DeliveredNetworks(["macs=1G"], options=options)
    best = result.within({"macs": 1e9})
    delivered = deliver_networks(result, wanted, tmp_path / "app")
    for name, top1 in zip(("letters", "digits"), best["test_top1"], strict=True):
        (file,) = delivered[f"macs=1G/{name}"]
        assert file.here.accuracy.top1 == pytest.approx(top1, abs=0.05)
        assert (tmp_path / "app/macs=1G" / name / file.name).exists()


def write_letters(folder, letters="ABC", each=12):
    """A folder of pictures of a few classes."""
    from PIL import Image, ImageDraw

    rng = np.random.default_rng(0)
    for letter in letters:
        for number in range(each):
            image = Image.fromarray(rng.integers(0, 90, (20, 20), np.uint8))
            place = tuple(rng.integers(2, 8, 2).tolist())
            ImageDraw.Draw(image).text(place, letter, fill=255)
            path = folder / letter / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            image.save(path)
    return folder


def test_the_published_settings_are_those_of_the_paper():
    settings = settings_of("nat", "published")
    assert (settings.archive, settings.iterations, settings.initial) == (300, 30, 100)
    assert (settings.population, settings.generations) == (100, 100)
    assert (settings.crossover, settings.mutation, settings.eta) == (0.9, 0.1, 1.0)
    options = TransferOptions(preset="published")
    assert options.length == {"epochs": 5}
    recipe = options.training_recipe
    assert (recipe.optimiser, recipe.learning_rate, recipe.momentum) == ("sgd", 0.01, 0.9)


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"objectives": "macs,params"}, "without accuracy"),
        ({"objectives": "top1,beauty"}, "beauty"),
        ({"data": "nosuch"}, "nosuch"),
        ({"data": []}, "no images"),
        ({"data": ["digits", "digits"]}, "two data sets"),
        ({"method": "magic"}, "magic"),
        ({"preset": "slow"}, "slow"),
        ({"settings": {"colour": 3}}, "colour"),
        ({"settings": {"iterations": 0}}, "iterations"),
        ({"recipe": {"steps": 3}}, "recipe"),
        ({"seconds": 3.0}, "ways to say the same"),
        ({"steps": 0}, "steps"),
        ({"executor": "magic"}, "magic"),
        ({"models": Models(space=SPACES["ofa-mbv3"])}, "space"),
    ],
)
def test_bad_requests_are_named(tmp_path, given, words):
    with pytest.raises(UsageError, match=words):
        small_transfer(tmp_path / "out", **given)
    assert not (tmp_path / "out" / "supernet.safetensors").exists()


def test_another_number_of_classes_is_named(tmp_path):
    folder = write_letters(tmp_path / "letters")
    with pytest.raises(KeyboardInterrupt):
        small_transfer(tmp_path / "out", data=folder, progress=TransferProgress(training=Stop(1)))
    write_letters(folder, "ABCD")
    with pytest.raises(UsageError, match=r"letters.*were 3, now there are 4"):
        small_transfer(tmp_path / "out", data=folder)


def test_another_supernet_is_named(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        small_transfer(tmp_path / "out", progress=TransferProgress(training=Stop(1)))
    write_source(tmp_path / "S.safetensors", seed=1)
    with pytest.raises(TransferMismatch, match="other weights"):
        small_transfer(tmp_path / "out")


def test_a_log_and_weights_that_do_not_belong_together_are_refused(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        small_transfer(out, progress=TransferProgress(evaluating=Stop(3)))
    log = out / LOG
    header, *rest = log.read_text().splitlines(keepends=True)
    log.write_text(header + "".join(rest).replace('"weights":["', '"weights":["0'))
    with pytest.raises(TransferMismatch, match="out of step") as error:
        small_transfer(out)
    assert "--fresh" in error.value.remedy


def test_values_whose_weights_are_gone_are_refused(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        small_transfer(out, progress=TransferProgress(training=Stop(7)))
    kept = [line for line in lines(out) if line.get("iteration") != 0]
    (out / LOG).write_text("".join(json.dumps(line) + "\n" for line in kept))
    with pytest.raises(TransferMismatch, match="gone"):
        small_transfer(out)


def test_without_its_state_the_training_is_done_again(done, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        small_transfer(out, progress=TransferProgress(evaluating=Stop(12)))
    state_path(out / "supernet.safetensors").unlink()
    assert told(small_transfer(out)) == told(done)


@pytest.mark.parametrize(
    "line",
    ['{"event": "dance"}', '{"event": "evaluated", "genes": "x", "values": [1]}', "[1]", "{"],
)
def test_a_damaged_log_is_named(tmp_path, line):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        small_transfer(out, progress=TransferProgress(training=Stop(1)))
    with (out / LOG).open("a") as log:
        log.write(f"{line}\n" + '{"event": "planned"}\n')
    with pytest.raises(TransferInvalid):
        small_transfer(out)


def test_another_process_at_the_same_is_named(tmp_path):
    out = tmp_path / "out"
    with TransferLog(out / LOG, {}), pytest.raises(TransferBusy):
        small_transfer(out)


def test_a_loss_that_is_no_number_is_named(tmp_path):
    recipe = {"batch": 16, "learning_rate": 1e5, "divergence": None, "warmup": 0.0}
    with pytest.raises(NasprofError, match=r"the loss is|no numbers"):
        small_transfer(tmp_path / "out", steps=30, recipe=recipe)


def test_a_network_whose_evaluation_fails_leaves_the_front(tmp_path, monkeypatch, caplog):
    real = Workers.evaluations

    def failing(self, genes, evaluators):
        for number, row in real(self, genes, evaluators):
            yield number, [float("nan")] if number == 0 else row

    monkeypatch.setattr(Workers, "evaluations", failing)
    result = small_transfer(tmp_path / "out", steps=2)
    assert result.record["history"][0]["failed"] == 1
    assert result.front


def test_a_disk_that_fills_loses_nothing(done, tmp_path, limited_files):
    out = tmp_path / "out"
    with limited_files(10_000), pytest.raises(NasprofError, match="cannot write"):
        small_transfer(out)
    assert not (out / "supernet.safetensors").exists()
    assert told(small_transfer(out)) == told(done)


@pytest.fixture
def limited_files():
    """No file may grow beyond a size, as on a full disk."""

    @contextmanager
    def limited(size):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)

    return limited


def test_what_time_was_spent_on_is_told(done):
    spent = done.record["spent"]
    assert set(spent) >= {"training", "evaluation", "search", "report", "other"}
    assert sum(spent.values()) == pytest.approx(done.record["cpu_s"], abs=0.01)
    assert all(seconds >= 0 for seconds in spent.values())
