"""Predictors of tasks: any number of classes, files that are safe, and images of one's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from trade_offs import cells

from luts import write_cost_model
from nasprof.errors import UsageError
from search.accuracy.files import read_accuracy_model, write_accuracy_model
from search.cli import main
from search.model_arrays import ModelArrays
from search.tasks.anchors import ANCHORS
from search.tasks.cell_features import N_CELL, cell_features, known_cells
from search.tasks.class_features import ClassFeatures, looked_at
from search.tasks.encoders import open_encoder
from search.tasks.files import MetaData, read_meta_data, shipped_folder, write_meta_data
from search.tasks.judging import judged_predictor, measured, within_task
from search.tasks.learning import learn_predictor, task_features
from search.tasks.own_images import accuracy_for_images, predictor_files
from search.tasks.plan import PlanSettings, Triplet, draw_plan
from search.tasks.predictor import read_predictor, told
from search.tasks.predictor_network import SetNetworks, Sizes, TaskBatch
from search.tasks.predictor_training import PredictorSettings, fit_predictor
from spaces import get_space

QUICK = PredictorSettings(members=2, hidden=16, steps=60, level_steps=60)
CELLS = known_cells()
PLAN = PlanSettings(meta_train=14, unseen=6, cells=30, unseen_cells=30, sources="patterns")


def made_up():
    """Tasks whose images tell which of two orders their cells are in."""
    plan = draw_plan(PLAN, 0)
    rng = np.random.default_rng(0)
    features, triplets = {}, []
    for number, task in enumerate(plan.tasks):
        means = rng.normal(0, 0.3, (rng.integers(2, 9), 5)) + (1 if number % 2 else -1)
        features[task.name] = ClassFeatures(means, np.abs(means) / 9, 20.0, "made up")
        sign = 1 if number % 2 else -1
        cells = rng.permutation(CELLS)[:30]
        top1 = 50 + 10 * (number % 3) + sign * 3 * ((cells == 4).sum(1) - (cells == 2).sum(1))
        triplets += [
            Triplet(task.name, tuple(row), 7, float(value))
            for row, value in zip(cells.tolist(), top1, strict=True)
        ]
    return MetaData({t.name: t for t in plan.tasks}, tuple(triplets), {"seed": 0}), features


@pytest.fixture(scope="module")
def known():
    return made_up()


@pytest.fixture(scope="module")
def learned(known):
    return judged_predictor(*known, QUICK)


def test_a_predictor_learns_what_tasks_differ_in(known, learned):
    data, features = known
    unseen = [name for name, task in data.tasks.items() if task.part == "unseen"]
    scores = within_task(data, unseen, lambda n, g: learned.top1(features[n], g))
    assert len(scores) == 6
    assert scores.mean() > 0.6
    assert learned.about["cross_validation"]["spearman"] > 0.5
    blind = fit_predictor(data, features, replace(QUICK, blind=True))
    first, second = (features[name] for name in unseen[:2])
    assert (blind.order_of(first, CELLS[:50]) == blind.order_of(second, CELLS[:50])).all()
    assert abs(within_task(data, unseen, lambda n, g: blind.top1(features[n], g)).mean()) < 0.5


def test_the_same_seed_learns_the_same(known, learned):
    again = judged_predictor(*known, QUICK)
    assert again.as_arrays().digest() == learned.as_arrays().digest()
    other = fit_predictor(*known, QUICK, seed=1)
    assert other.as_arrays().digest() != learned.as_arrays().digest()


def test_neither_order_nor_number_of_classes_matters(known, learned):
    _, features = known
    one = next(iter(features.values()))
    order = np.random.default_rng(0).permutation(len(one.means))
    turned = replace(one, means=one.means[order], spreads=one.spreads[order])
    expected = learned.top1(one, CELLS[:20])
    assert learned.top1(turned, CELLS[:20]) == pytest.approx(expected)
    for n_classes in (2, 40):
        rows = np.arange(n_classes) % len(one.means)
        some = replace(one, means=one.means[rows], spreads=one.spreads[rows])
        assert np.isfinite(learned.top1(some, CELLS)).all()
    with pytest.raises(UsageError, match=r"'other'.*'made up'"):
        learned.top1(replace(one, encoder="other"), CELLS[:2])


def test_numpy_and_torch_compute_the_same(known, learned):
    """The network that is trained is the one that is asked."""
    _, features = known
    names = list(features)[:5]
    torch.manual_seed(0)
    n_axes = learned.inputs.axes.shape[1]
    networks = SetNetworks(Sizes(3, n_axes, N_CELL, 1, 7, 2), 0.5, False).eval()
    asked = replace(learned, order=networks.arrays())
    classes = [learned.inputs.classes(features[name]) for name in names]
    most = max(map(len, classes))
    padded, mask = np.zeros((5, most, n_axes)), np.zeros((5, most, 1))
    for number, rows in enumerate(classes):
        padded[number, : len(rows)], mask[number, : len(rows)] = rows, 1
    whole = np.stack([learned.inputs.told(features[name]) for name in names])
    batch = TaskBatch(*(torch.tensor(part, dtype=torch.float32) for part in (padded, mask, whole)))
    cells = torch.tensor(cell_features(CELLS[:9]), dtype=torch.float32)
    with torch.no_grad():
        for number, name in enumerate(names):
            own = networks.embedded(batch)[:, number : number + 1].expand(-1, 9, -1)
            ends = networks.ends(torch.cat([own, cells.expand(3, -1, -1)], 2))
            expected = ends.mean(0)[:, 0].numpy()
            assert asked.order_of(features[name], CELLS[:9]) == pytest.approx(expected, abs=1e-4)


def test_cells_are_told_apart_by_what_they_are():
    space = get_space("nasbench201")
    ((_, every),) = space.parts
    assert (known_cells() == every).all()
    features = cell_features(CELLS)
    assert features.shape == (len(CELLS), N_CELL)
    assert len(np.unique(features[:, :30], axis=0)) == len(CELLS)
    assert np.corrcoef(features[:, -2], np.log(space.macs(CELLS)))[0, 1] > 0.999
    ways = features[:, -4]
    longest, none, shortcut = (
        ways[np.flatnonzero((cell == CELLS).all(1))[0]]
        for cell in ([4, 0, 4, 0, 0, 4], [0] * 6, [0, 0, 0, 1, 0, 0])
    )
    assert none < shortcut < longest == ways.max()


def test_a_file_gives_the_same_predictor(known, learned, tmp_path):
    learned.as_arrays().write(tmp_path / "p.npz")
    again = read_predictor(tmp_path / "p.npz")
    one = next(iter(known[1].values()))
    assert (again.top1(one, CELLS) == learned.top1(one, CELLS)).all()
    again.as_arrays().write(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "p.npz").read_bytes()


def changed(stored, name, array):
    return ModelArrays(stored.about, {**stored.arrays, name: array})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: changed(s, "order.rho.weight", np.zeros((2, 3, 4))), "order.rho.weight"),
        (lambda s: changed(s, "inputs.scale", s.arrays["inputs.scale"] * 0), "scale"),
        (lambda s: changed(s, "level.out1.bias", s.arrays["level.out1.bias"] * np.nan), "finite"),
        (lambda s: ModelArrays({**s.about, "kind": "ridge"}, s.arrays), "'kind' is 'ridge'"),
        (lambda s: ModelArrays({**s.about, "cross_validation": 1}, s.arrays), "cross_validation"),
    ],
)
def test_a_predictor_of_something_else_is_named(learned, tmp_path, change, message):
    change(learned.as_arrays()).write(tmp_path / "wrong.npz")
    with pytest.raises(UsageError, match=rf"wrong\.npz.*{message}"):
        read_predictor(tmp_path / "wrong.npz")


def test_a_damaged_predictor_is_named(learned, tmp_path):
    path = tmp_path / "torn.npz"
    data = learned.as_arrays().to_bytes()
    for torn in (data[: len(data) // 2], b"", data[:600] + b"x" + data[601:]):
        path.write_bytes(torn)
        with pytest.raises(UsageError, match=r"torn\.npz"):
            read_predictor(path)
    with pytest.raises(UsageError, match="nowhere"):
        read_predictor(tmp_path / "nowhere.npz")


def test_too_few_tasks_are_refused(known):
    data, features = known
    with pytest.raises(UsageError, match="3 tasks to learn from"):
        fit_predictor(data, features, QUICK, tasks=list(data.tasks)[:3])


def test_tasks_without_differences_still_teach(known):
    """All networks at chance, or all perfect: nothing is divided by zero."""
    data, features = known
    same = tuple(replace(t, top1=100.0 if t.genes[0] else 0.0) for t in data.triplets[:200])
    flat = tuple(replace(t, top1=100.0) for t in data.triplets[200:])
    predictor = fit_predictor(replace(data, triplets=same + flat), features, QUICK)
    for one in features.values():
        top1 = predictor.top1(one, CELLS)
        assert top1.min() > 0
        assert top1.max() < 100


def test_a_meta_data_set_is_drawn_again_to_be_learned_from(tmp_path):
    settings = PlanSettings(
        meta_train=5, unseen=0, cells=5, unseen_cells=5, repeated=0, sources="patterns"
    )
    plan = draw_plan(settings, 1)
    triplets = tuple(replace(t, top1=float(10 + 7 * (i % 5))) for i, t in enumerate(plan.triplets))
    data = MetaData({t.name: t for t in plan.tasks}, triplets, {"images": {}})
    write_meta_data(data, tmp_path)
    given = [str(tmp_path), "-o", str(tmp_path / "p.npz"), "--set", "members=1", "--json"]
    result = CliRunner().invoke(main, ["pomonag", "predictor", *given, "--set", "steps=3"])
    assert result.exit_code == 0, result.output
    predictor = read_predictor(tmp_path / "p.npz")
    assert predictor.about["triplets"] == 25
    images = {task.name: "others" for task in plan.tasks}
    write_meta_data(replace(data, about={"images": images}), tmp_path)
    with pytest.raises(UsageError, match=r"images of .* are others"):
        learn_predictor(tmp_path, "pixels", QUICK)


def test_measured_is_one_seed_at_a_time():
    plan = draw_plan(replace(PLAN, meta_train=0, unseen=1, repeated=1), 0)
    triplets = tuple(replace(t, top1=float(i)) for i, t in enumerate(plan.triplets))
    data = MetaData({t.name: t for t in plan.tasks}, triplets, {})
    (genes, first), (again, second) = (measured(data, plan.tasks[0].name, n) for n in (0, 1))
    assert (genes == again).all()
    assert (second == first + len(first)).all()


# --- images of one's own ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for label in ("cats", "dogs", "newts"):
        (folder / label).mkdir()
        for number in range(14):
            pixels = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).resize((40, 30)).save(folder / label / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def by_pixels(known):
    """A predictor that knows pixels, learned from nothing that matters."""
    data, _ = known
    encoder = open_encoder("pixels")
    few = {name: replace(task, shots=12, tests=12) for name, task in data.tasks.items()}
    features = {name: task_features(task, encoder) for name, task in few.items()}
    return judged_predictor(data, features, replace(QUICK, steps=5, level_steps=5))


def test_images_of_ones_own_get_an_accuracy_model(photos, by_pixels, tmp_path):
    spaces = (get_space("nasbench201"), get_space("nasbench201", resolution=16, classes=3))
    model = accuracy_for_images(photos, spaces, by_pixels)
    assert model.spaces == spaces
    assert (model.provenance["classes"], model.provenance["images"]) == (3, photos.name)
    assert model.name.startswith(f"{photos.name}-")
    top1 = model.top1(CELLS, spaces[1])
    assert (top1 == accuracy_for_images(photos, spaces, by_pixels).top1(CELLS, spaces[0])).all()
    distinct = np.unique(cell_features(CELLS), axis=0)
    assert len(np.unique(top1)) > 0.99 * len(distinct)
    assert 0 < top1.min() < top1.max() < 100
    write_accuracy_model(model, tmp_path / "m.npz")
    assert (read_accuracy_model(tmp_path / "m.npz").top1(CELLS, spaces[0]) == top1).all()
    by_pixels.as_arrays().write(tmp_path / "p.npz")
    given = ["--data", str(photos), "--predictor", str(tmp_path / "p.npz")]
    given += ["-o", str(tmp_path / "mine.npz"), "--json"]
    result = CliRunner().invoke(main, ["pomonag", "accuracy", *given])
    assert result.exit_code == 0, result.output
    assert (read_accuracy_model(tmp_path / "mine.npz").top1(CELLS) == top1).all()


def test_images_that_cannot_be_used_are_named(photos, by_pixels, tmp_path):
    with pytest.raises(UsageError, match="ofa-mbv3"):
        accuracy_for_images(photos, [get_space("ofa-mbv3")], by_pixels)
    with pytest.raises(UsageError, match="no data set is called"):
        accuracy_for_images(tmp_path / "nowhere", (), by_pixels)
    with pytest.raises(UsageError, match="is no data set"):
        accuracy_for_images(tmp_path, (), by_pixels)
    one = tmp_path / "one"
    (one / "cats").mkdir(parents=True)
    for number in range(4):
        source = photos / "cats" / f"{number}.png"
        (one / "cats" / source.name).write_bytes(source.read_bytes())
    with pytest.raises(UsageError, match="has one class"):
        accuracy_for_images(one, (), by_pixels)
    (one / "dogs").mkdir()
    (one / "dogs" / "torn.png").write_bytes(b"\x89PNG torn")
    with pytest.raises(UsageError, match=r"torn\.png|unreadable|cannot be"):
        accuracy_for_images(one, (), by_pixels)
    with pytest.raises(UsageError, match="no predictor of data sets is called 'what'"):
        accuracy_for_images(photos, (), "what")
    with pytest.raises(UsageError, match=r"made up.*|no data-set encoder"):
        other = replace(by_pixels, about={**by_pixels.about, "encoder": "made up"})
        accuracy_for_images(photos, (), other, "pixels")


def test_the_first_images_of_each_class_are_looked_at():
    labels = np.array([1, 0] * 20 + [2])
    rows = looked_at(labels)
    assert np.bincount(labels[rows]).tolist() == [12, 12, 1]
    assert (np.diff(rows) > 0).all()
    one = ClassFeatures(np.ones((3, 4)), np.zeros((3, 4)), 0.0, "x")
    assert np.isfinite(told(one)).all()


def test_generate_asks_for_images_of_ones_own(photos, by_pixels, tmp_path, monkeypatch):
    """In whatever sizes the table has its cells; other spaces and models are named."""
    monkeypatch.setenv("NASPROF_DATA", str(tmp_path))
    (tmp_path / "predictors").mkdir()
    by_pixels.as_arrays().write(tmp_path / "predictors" / "pixels.npz")
    table = cells().cost
    write_cost_model(table, tmp_path / "lut.json")
    asked = []

    def stopped(budgets_ms, **arguments):
        asked.append(arguments["accuracy"])
        raise UsageError("stopped")

    monkeypatch.setattr("search.answers.generate.generate", stopped)

    def run(*args):
        given = ["generate", "--budget", "9ms", "--data", str(photos), *map(str, args)]
        return CliRunner().invoke(main, given).stderr

    assert "stopped" in run("--lut", tmp_path / "lut.json")
    assert "stopped" in run("--resolution", 16)
    model = accuracy_for_images(photos, table.spaces, by_pixels)
    assert asked[0].spaces == table.spaces
    assert (asked[0].top1(CELLS) == model.top1(CELLS)).all()
    assert asked[1].spaces == (get_space("nasbench201", resolution=16),)
    assert "not ofa-mbv3" in run("--lut", "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224")
    assert "--accuracy names another" in run("--accuracy", "mine.npz")
    assert len(asked) == 2


# --- what is shipped -------------------------------------------------------------------------


def test_the_shipped_triplets_are_split_as_they_say():
    data = read_meta_data(shipped_folder())
    parts = {"meta-train": [], "unseen": []}
    for task in data.tasks.values():
        if task.source != "data":
            parts[task.part].append(task)
    assert len(data.triplets) >= 3000
    assert (len(parts["meta-train"]), len(parts["unseen"])) == (110, 36)
    for field in ("classes", "fonts"):
        known, unseen = (
            {(task.source == "glyphs", one) for task in tasks for one in getattr(task, field)}
            for tasks in parts.values()
        )
        assert known
        assert not known & unseen
    assert {t.name for t in data.tasks.values() if t.source == "data"} == {
        "mnist",
        "fashion-mnist",
        "animal-mnist",
    }
    anchors = {tuple(row) for row in ANCHORS.tolist()}
    assert all(anchors <= {t.genes for t in data.of(name)} for name in data.tasks)


def test_the_shipped_predictor_ranks_on_tasks_it_has_not_seen():
    """On patterns, which any machine draws."""
    data = read_meta_data(shipped_folder())
    predictor = read_predictor(predictor_files.find("pixels"))
    tasks = {
        name: replace(task, tests=12)
        for name, task in data.tasks.items()
        if task.part == "unseen" and task.source == "patterns"
    }
    encoder = open_encoder("pixels")
    features = {name: task_features(task, encoder) for name, task in tasks.items()}
    scores = within_task(data, list(tasks), lambda n, g: predictor.top1(features[n], g))
    assert len(scores) >= 6
    assert scores.mean() > 0.3
