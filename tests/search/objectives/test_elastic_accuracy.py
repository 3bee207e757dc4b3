"""``top1@SUPERNET`` where the input resolution is a gene: each network sees images of its own."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from small_supernets import ELASTIC, SPACES, card_of, digits_for

from profiler import LoweringOptions, named_archs
from profiler.model_files.lowered import lower_arch
from search import LabelledImages, Models, RunOptions, run
from search.executors import open_executor
from search.objectives import images as labelled_images
from search.objectives import measured, objectives_of, supernet_accuracy
from search.problem import EvaluationImpossible, Problem
from search.runs.evaluate_supernet import EvaluationOptions, evaluate_supernet
from spaces import parse_arch
from supernets import Recalibration, Supernet, SupernetWeights, write_supernet
from supernets.data import DataOptions

NAME = "top1@elastic.safetensors"
IMAGES = LabelledImages("digits", recalibration=Recalibration(images=60, batch=30))
MODELS = Models(images=IMAGES)
GENES = ELASTIC.sample(5, np.random.default_rng(3))
GENES[:, 0] = [2, 0, 1, 0, 2]


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A supernet of three resolutions where the user is, known to no process yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(supernet_accuracy, "_loaded", type(supernet_accuracy._loaded)())
    path = tmp_path / "elastic.safetensors"
    write_supernet(path, Supernet(ELASTIC), card_of(ELASTIC, digits_for(ELASTIC)))
    return path


@pytest.fixture
def sizes_read(monkeypatch):
    """Resolutions that images were read at."""
    sizes, read = [], LabelledImages.read

    def noted(self, image_shape, *rest):
        sizes.append(image_shape[0])
        return read(self, image_shape, *rest)

    monkeypatch.setattr(LabelledImages, "read", noted)
    return sizes


def top1(models=MODELS):
    return objectives_of([NAME], models)[1][0]


def alone(genes):
    """What evaluating each network in the space of its resolution gives."""
    values = []
    for row in genes:
        ((member, _, own),) = ELASTIC.by_member(row[None])
        (one,) = objectives_of([NAME], Models(images=IMAGES, space=member))[1]
        values.append(float(one.function(own)[0]))
    return values


def test_values_are_those_of_the_networks_at_their_resolutions(file):
    space, (objective,) = objectives_of([NAME], MODELS)
    assert space == ELASTIC
    values = objective.function(GENES).tolist()
    assert values == alone(GENES)
    assert len(set(values)) > 1
    same = np.repeat(GENES[:1], 3, 0)
    same[:, 0] = range(3)
    assert objective.function(same).tolist() == alone(same)


def test_a_supernet_of_one_resolution_is_searched_at_several(file):
    member = SPACES["ofa-mbv3"]
    write_supernet(file, Supernet(member), card_of(member, digits_for(member)))
    space, (objective,) = objectives_of([NAME], Models(images=IMAGES, space=ELASTIC))
    assert space == ELASTIC
    assert objective.function(GENES).tolist() == alone(GENES)


def test_images_are_read_once_for_all_resolutions(file, sizes_read):
    objective = top1()
    objective.function(GENES)
    assert sizes_read == [16]
    supernet_accuracy._loaded.clear()  # as in another process
    labelled_images._read.cache_clear()
    objective.function(GENES)
    objective.function(GENES)
    assert sizes_read == [16, 16]


def test_other_processes_get_no_weights_and_find_the_same(file):
    objective = top1()
    payload = pickle.dumps(objective)
    assert len(payload) < 5000
    expected = objective.function(GENES).tolist()
    supernet_accuracy._loaded.clear()
    assert pickle.loads(payload).function(GENES).tolist() == expected
    found = {}
    with open_executor("processes", Problem(ELASTIC, (objective,)), workers=1) as executor:
        executor.submit(0, GENES)
        while finished := executor.wait():
            found |= dict(finished)
    assert found[0].values[:, 0].tolist() == [-value for value in expected]


def test_images_that_change_before_they_are_read_end_the_search(file, tmp_path):
    data = digits_for(ELASTIC)
    pixels, source = data.test.images(np.arange(len(data.test))), tmp_path / "images"
    for number, (image, label) in enumerate(zip(pixels, data.test.labels, strict=True)):
        path = source / str(label) / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)
    images = LabelledImages(source, recalibration=IMAGES.recalibration, options=DataOptions())
    objective = top1(Models(images=images))
    objective.function(GENES[:1])
    for path, image in zip(sorted(source.rglob("*.png")), pixels, strict=True):
        Image.fromarray(255 - image[..., 0]).save(path)
    with pytest.raises(EvaluationImpossible, match="has other images than when this was begun"):
        objective.function(GENES[1:2])


def test_one_resolution_of_it_is_asked_for(file):
    space, (objective,) = objectives_of([NAME], Models(images=IMAGES, resolution=13))
    assert space == ELASTIC.at(13)
    assert objective.function(GENES[:, 1:])[2] == alone(GENES[2:3])[0]


def test_it_is_searched_beside_macs(file):
    options = RunOptions(folder="kept", evaluations=12, settings={"population": 6})
    result = run("nsga2", f"{NAME},macs", models=MODELS, options=options)
    archs = [arch for arch in ELASTIC.decode(result.archive.genes)]
    assert {parse_arch(arch)[0] for arch in archs} <= set(ELASTIC.members)
    again = run("nsga2", f"{NAME},macs", models=MODELS, options=options)
    assert np.array_equal(again.archive.genes, result.archive.genes)


def test_networks_are_evaluated_by_name_and_at_random(file):
    named = evaluate_supernet(file, IMAGES, [(ELASTIC, GENES)])
    assert [one.evaluation.accuracy.top1 for one in named] == alone(GENES)
    assert [one.arch.space.resolution for one in named] == [16, 10, 13, 10, 16]
    drawn = evaluate_supernet(file, IMAGES, options=EvaluationOptions(random=12, inherited=True))
    assert len({one.arch.arch["resolution"] for one in drawn}) > 1
    genes = ELASTIC.encode([one.arch.arch for one in drawn])
    assert [one.evaluation.accuracy.top1 for one in drawn] == alone(genes)
    ends = evaluate_supernet(file, IMAGES)
    assert [one.arch.arch["resolution"] for one in ends] == [10, 16]
    at_one = evaluate_supernet(file, IMAGES, options=EvaluationOptions(resolution=13))
    assert [one.arch.arch["resolution"] for one in at_one] == [13, 13]


def test_networks_that_are_measured_have_weights_recalibrated_at_their_resolution(
    file, tmp_path, monkeypatch
):
    contents = []

    def measurements(backend, shop, items, progress):
        contents.extend(item.path.read_bytes() for item in items)
        return [SimpleNamespace(name=item.name, flags=[], by_clock={"wall": 1.0}) for item in items]

    monkeypatch.setattr(measured, "measure_beside_sentinel", measurements)
    weights = SupernetWeights(file, "digits", IMAGES.recalibration)
    models = Models(supernet=weights, space=ELASTIC)
    (latency,) = objectives_of(["latency_measured"], models)[1]
    assert latency.function(GENES[:3]).tolist() == [1.0] * 3
    named = named_archs((ELASTIC, GENES[:3]))
    assert [arch.space.resolution for arch in named] == [16, 10, 13]
    options = LoweringOptions(supernet=weights)
    expected = [lower_arch(one, "onnx", options, tmp_path).path.read_bytes() for one in named]
    assert contents == expected
