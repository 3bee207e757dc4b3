"""``top1@SUPERNET``: what is evaluated, what is told of it, and what is refused."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from processes import until
from small_supernets import SPACES, card_of, digits_for

from nasprof.errors import NasprofError, UsageError
from profiler import LoweringOptions
from profiler.model_files.architectures import NamedArch
from profiler.model_files.lowered import lower_arch
from search import LabelledImages, Models, RunOptions, read_archive, run
from search.executors import evaluate, open_executor
from search.objectives import measured, objectives_of, supernet_accuracy
from search.problem import EvaluationImpossible, Problem
from spaces import get_space
from supernets import (
    Evaluator,
    Recalibration,
    Supernet,
    SupernetCard,
    SupernetWeights,
    write_supernet,
)
from supernets.data import DataOptions

SPACE = SPACES["nasbench201"]
NAME = "top1@cells.safetensors"
QUICK = Recalibration(images=60, batch=30)
IMAGES = LabelledImages("digits", recalibration=QUICK)
MODELS = Models(images=IMAGES)
GENES = SPACE.sample(4, np.random.default_rng(1))


@pytest.fixture(scope="module")
def digits():
    return digits_for(SPACE)


def supernet(space=SPACE, seed=0):
    return Supernet(space, rng=np.random.default_rng(seed))


@pytest.fixture
def file(tmp_path, monkeypatch, digits):
    """A supernet where the user is, known to no process yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(supernet_accuracy, "_loaded", type(supernet_accuracy._loaded)())
    path = tmp_path / "cells.safetensors"
    write_supernet(path, supernet(), card_of(SPACE, digits))
    return path


def objective(models=MODELS, name=NAME):
    (one,) = objectives_of([name], models)[1]
    return one


def forget():
    """As in a process that was just started."""
    supernet_accuracy._loaded.clear()


# --- what it says --------------------------------------------------------------------------


def test_values_are_top1_on_the_validation_images(file, digits):
    space, (top1,) = objectives_of([NAME], MODELS)
    card = card_of(SPACE, digits)
    evaluator = Evaluator(supernet(), card, digits, split="validation", recalibration=QUICK)
    expected = [evaluator.evaluate(genes).accuracy.top1 for genes in GENES]
    assert space == SPACE
    assert top1.function(GENES).tolist() == expected
    assert len(set(expected)) > 1
    assert (top1.name, top1.unit, top1.kind, top1.free) == (NAME, "%", "evaluated", False)
    assert top1.maximise and top1.device is None


def test_facts_tell_weights_images_and_recalibration(file, digits):
    facts = objective().facts
    assert facts["supernet"] == "cells.safetensors"
    assert facts["weights"] == supernet_accuracy.SupernetFile.read(file).digest
    assert (facts["data"], facts["fingerprint"]) == ("digits", digits.fingerprint)
    assert facts["split"] == "validation"
    assert facts["recalibration"] == {"images": 60, "batch": 30, "seed": 0}
    assert facts["normalisation"] == digits.normalisation.to_dict()
    others = [
        replace(IMAGES, split="test"),
        replace(IMAGES, seed=1),
        replace(IMAGES, recalibration=replace(QUICK, seed=1)),
    ]
    different = [objective(Models(images=images)).facts for images in others]
    assert all(other != facts for other in different)


def test_what_other_processes_are_given_holds_no_weights(file):
    top1 = objective()
    payload = pickle.dumps(top1)
    assert len(payload) < 5000
    expected = top1.function(GENES[:1])
    forget()
    assert pickle.loads(payload).function(GENES[:1]) == expected


def test_supernet_and_images_are_loaded_once_by_a_process(file, monkeypatch):
    top1 = objective()
    forget()
    read = []
    monkeypatch.setattr(
        supernet_accuracy,
        "read_supernet",
        lambda *given, known=supernet_accuracy.read_supernet: read.append(given) or known(*given),
    )
    for genes in GENES[:3]:
        top1.function(genes[None])
    assert len(read) == 1


def test_networks_are_evaluated_on_one_thread(file, monkeypatch):
    threads = []
    known = Evaluator.logits

    def logits(self, subnet):
        threads.append(torch.get_num_threads())
        return known(self, subnet)

    monkeypatch.setattr(Evaluator, "logits", logits)
    evaluate(Problem(SPACE, (objective(),)), GENES[:1])
    assert threads == [1]


def test_accuracy_may_be_a_supernet_of_a_bare_top1(file):
    bare = objective(Models(accuracy="cells.safetensors", images=IMAGES), "top1")
    assert bare.name == "top1"
    assert bare.facts == objective().facts


def test_another_resolution_is_asked_for(file):
    space, (top1,) = objectives_of([NAME], Models(images=IMAGES, resolution=12))
    assert space.settings["resolution"] == 12
    assert np.isfinite(top1.function(GENES[:1])).all()
    asked = Models(images=IMAGES, space=get_space("nasbench201", **_settings(resolution=8)))
    assert objectives_of([NAME], asked)[0].settings["resolution"] == 8


def _settings(**changed):
    return {**{key: value for key, value in SPACE.settings.items() if key != "space"}, **changed}


# --- which names are supernets -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.safetensors", True),
        ("folder/a.pt", True),
        ("imagenet", False),
        ("a.npz", False),
        ("a.csv.gz", False),
        ("mine:function", False),
        ("nosuch.pth", False),
    ],
)
def test_files_of_weights_are_known_by_their_names(name, expected):
    assert supernet_accuracy.is_supernet(name) is expected


def test_checkpoints_of_others_are_known_by_what_they_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"0.weight": torch.zeros(3, 3)}, "acc_predictor.pth")
    torch.save({"first_conv.conv.weight": torch.zeros(3, 3, 1, 1)}, "ofa.pth")
    Path("broken.pth").write_bytes(b"nothing of the kind")
    torch.save({"first_conv.conv.weight": torch.zeros(3, 3, 1, 1)}, "ofa_mbv3_w1.0")
    names = ["acc_predictor.pth", "ofa.pth", "broken.pth", "ofa_mbv3_w1.0"]
    assert [supernet_accuracy.is_supernet(name) for name in names] == [False, True, False, True]


# --- what is refused -----------------------------------------------------------------------------


def refused(name=NAME, models=MODELS, kind=UsageError):
    with pytest.raises(kind) as refusal:
        objectives_of([name], models)
    return str(refusal.value)


def test_images_have_to_be_named(file):
    assert "--data DIR" in refused(models=Models())


def test_images_that_nobody_looks_at_are_refused(file):
    assert "no objective looks at any" in refused("macs", Models(images=IMAGES, space=SPACE))


def test_another_space_is_refused(file):
    other = get_space("nasbench201", **_settings(cells=2))
    assert "cells is 1, not 2" in refused(models=Models(images=IMAGES, space=other))


def test_images_of_other_classes_are_refused(file, digits):
    few = get_space("nasbench201", **_settings(classes=3))
    card = SupernetCard(few, ("a", "b", "c"), digits.normalisation)
    write_supernet(Path("few.safetensors"), supernet(few), card)
    assert "10 classes, the supernet 3" in refused("top1@few.safetensors")


def test_a_split_without_images_is_refused(file):
    empty = replace(IMAGES, options=DataOptions(validation=0.0))
    assert "digits has no validation images" in refused(models=Models(images=empty))


def test_damaged_and_missing_checkpoints_are_refused(file):
    file.write_bytes(file.read_bytes()[:3000])
    assert "cells.safetensors" in refused()
    assert "nosuch.safetensors" in refused("top1@nosuch.safetensors")


def test_images_that_are_not_there_are_refused(file):
    assert "no data set is called 'nosuch'" in refused(
        models=Models(images=LabelledImages("nosuch"))
    )


def test_without_torch_it_is_said_what_is_missing(file, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "supernets.supernet", None)
    assert "need torch" in refused()


# --- doubts ---------------------------------------------------------------------------------------


def test_searching_on_test_images_is_warned_of(file, caplog):
    objective(Models(images=replace(IMAGES, split="test")))
    assert "The search sees the test images" in caplog.text


def test_images_of_another_split_may_have_been_trained_on(file, caplog):
    objective()
    assert not caplog.records
    objective(Models(images=replace(IMAGES, seed=3)))
    assert "split otherwise" in caplog.text


# --- weights and images that change meanwhile -----------------------------------------------------


def change_weights(file, digits):
    write_supernet(file, supernet(seed=1), card_of(SPACE, digits))


def test_weights_that_changed_meanwhile_end_the_search(file, digits):
    problem = Problem(SPACE, (objective(),))
    change_weights(file, digits)
    assert np.isfinite(evaluate(problem, GENES[:1]).values).all()  # of this process, loaded before
    forget()
    with pytest.raises(EvaluationImpossible, match="has other weights than when this was begun"):
        evaluate(problem, GENES[:1])
    with (
        open_executor("processes", problem, workers=1) as executor,
        pytest.raises(EvaluationImpossible, match="other weights"),
    ):
        executor.submit(0, GENES[:1])
        executor.wait()


def test_images_that_changed_meanwhile_end_the_search(file, tmp_path, digits):
    _, labels = np.unique(digits.test.labels, return_inverse=True)
    pixels = digits.test.images(np.arange(len(labels)))
    source = tmp_path / "images.npz"
    np.savez(source, x_train=pixels, y_train=digits.test.labels)
    problem = Problem(SPACE, (objective(Models(images=replace(IMAGES, source=source))),))
    np.savez(source, x_train=pixels[::-1] // 2, y_train=digits.test.labels)
    forget()
    with pytest.raises(EvaluationImpossible, match="has other images than when this was begun"):
        evaluate(problem, GENES[:1])
    source.unlink()
    with pytest.raises(EvaluationImpossible, match="no data set is called"):
        evaluate(problem, GENES[:1])


# --- executors and archives ----------------------------------------------------------------------


def options(folder="kept", evaluations=8, **others):
    return RunOptions(folder=folder, evaluations=evaluations, **others)


def search(engine="random", models=MODELS, **others):
    return run(engine, f"{NAME},macs", models=models, options=options(**others))


def test_workers_find_the_same_though_one_is_killed(file):
    problem = Problem(SPACE, (objective(),))
    expected = evaluate(problem, GENES).values
    found, killed = {}, []
    with open_executor("processes", problem, workers=2) as executor:

        def kill():
            (worker, *_) = until(lambda: list(executor._busy))
            os.kill(worker.process.pid, signal.SIGKILL)
            killed.append(worker.process.wait())

        for number in range(len(GENES)):
            executor.submit(number, GENES[number : number + 1])
        killer = threading.Thread(target=kill)
        killer.start()
        while finished := executor.wait():
            found |= dict(finished)
        killer.join()
    assert killed == [-signal.SIGKILL]
    assert [found[number].errors for number in range(len(GENES))] == [(None,)] * len(GENES)
    values = np.concatenate([found[number].values for number in range(len(GENES))])
    assert values.tolist() == expected.tolist()


@pytest.fixture
def counted(monkeypatch):
    """Genes of the networks that are really evaluated, in order."""
    known, evaluated = Evaluator.evaluate, []

    def count(self, genes):
        evaluated.append(genes.tolist())
        return known(self, genes)

    monkeypatch.setattr(Evaluator, "evaluate", count)
    return evaluated


@pytest.mark.no_cover
def test_what_was_evaluated_is_not_evaluated_again(file, counted):
    search(evaluations=5)
    assert len(counted) == 5
    result = search(evaluations=8)
    assert len(counted) == 8
    assert len(result.archive) == 8
    (kept,) = Path("kept").iterdir()
    counted.clear()
    warm = search("nsga2", folder="warm", warm_start=kept, settings={"population": 8})
    known = {row.tobytes() for row in read_archive(kept).genes}
    assert len(counted) < 8
    assert not known & {np.array(row, np.int8).tobytes() for row in counted}
    assert len(warm.archive) == 8


def test_values_of_other_weights_are_not_taken_over(file, counted, digits):
    search(evaluations=3)
    (kept,) = Path("kept").iterdir()
    change_weights(file, digits)
    with pytest.raises(NasprofError, match="objectives"):
        search(evaluations=6)
    counted.clear()
    search(evaluations=3, folder="warm", warm_start=kept)
    assert len(counted) == 3


def test_engines_that_predict_search_it_too(file):
    found = run(
        "linas",
        f"{NAME},macs",
        models=MODELS,
        options=RunOptions(evaluations=12, settings={"population": 8, "inner_evaluations": 60}),
    )
    assert len(found.archive) == 12
    assert found.to_dict()["objectives"][0]["name"] == NAME


# --- networks that are measured -----------------------------------------------------------------


@pytest.fixture
def files_measured(monkeypatch):
    """Contents of the model files that would be measured."""
    contents = []

    def measurements(backend, shop, items, progress):
        contents.extend(item.path.read_bytes() for item in items)
        return [SimpleNamespace(name=item.name, flags=[], by_clock={"wall": 1.0}) for item in items]

    monkeypatch.setattr(measured, "measure_beside_sentinel", measurements)
    return contents


def test_networks_that_are_measured_have_the_weights_of_the_supernet(
    file, tmp_path, files_measured
):
    weights = SupernetWeights(file, digits_for(SPACE), QUICK)
    genes = GENES[:2]
    named = [
        NamedArch(f"net{number}", SPACE, arch) for number, arch in enumerate(SPACE.decode(genes))
    ]
    options = LoweringOptions(supernet=weights)
    expected = [lower_arch(one, "onnx", options, tmp_path).path.read_bytes() for one in named]
    latency = objective(Models(supernet=weights, space=SPACE), "latency_measured")
    assert latency.function(genes).tolist() == [1.0, 1.0]
    assert files_measured == expected
    random = objective(Models(space=SPACE), "latency_measured")
    random.function(genes)
    assert not set(files_measured[2:]) & set(expected)
    assert latency.facts["supernet"] == file.name and "supernet" not in random.facts


def test_what_a_supernet_has_no_weights_for_is_not_measured(file):
    other = get_space("nasbench201", classes=10, cells=2, resolution=16)
    models = Models(supernet=SupernetWeights(file), space=other)
    with pytest.raises(UsageError, match="cells is 1, not 2"):
        objective(models, "latency_measured")
