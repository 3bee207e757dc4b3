"""Tasks are drawn the same each time, and meta-train and unseen ones share nothing."""

# ruff: noqa: RUF001  # letters that look alike are what this is about

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from nasprof.errors import UsageError
from search.executors.child import Child
from search.tasks import collecting
from search.tasks.alphabets import ALPHABETS, character_part, shape_of
from search.tasks.anchors import ANCHORS, drawn_cells
from search.tasks.collecting import TasksMismatch, TasksRequest, collect_triplets
from search.tasks.connected import connected
from search.tasks.files import JOURNAL, TASKS, TRIPLETS, read_meta_data
from search.tasks.fonts import read_fonts
from search.tasks.plan import PlanSettings, draw_plan
from search.tasks.recipe import TaskRecipe
from search.tasks.sources.base import task_images, task_sources
from search.tasks.task import SIDE, Task
from search.tasks.tuning import tune_recipe

SMALL = PlanSettings(
    meta_train=1, unseen=1, cells=6, unseen_cells=5, repeated=1, sources="patterns"
)
FEW = 6 + 2 * 5


@pytest.fixture(scope="module")
def fonts():
    """Those that come with matplotlib, as if each were a family of its own, half of them unseen."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    parts = ("meta-train", "unseen")
    return tuple(
        replace(font, source=font.path.stem, part=parts[number % 2])
        for number, font in enumerate(read_fonts([folder]))
    )


@pytest.fixture
def with_fonts(fonts, monkeypatch):
    for module in ("glyphs", "fonts"):
        monkeypatch.setattr(f"search.tasks.sources.{module}.installed_fonts", lambda: fonts)
        monkeypatch.setattr(f"search.tasks.sources.{module}.require_enough", lambda fonts: None)
    monkeypatch.setattr("search.tasks.sources.glyphs._LEAST_SOURCES", 2)
    monkeypatch.setattr("search.tasks.sources.fonts._LEAST_CLASSES", 2)
    monkeypatch.setattr("search.tasks.sources.fonts._MOST_CLASSES", 2)


def drawn(source, part="meta-train", seed=0, **changes):
    where = "digits" if source == "data" else ""
    task = task_sources.get(source)().draw("a task", part, np.random.default_rng(seed), where)
    return replace(task, shots=min(task.shots, 6), tests=40, **changes)


@pytest.mark.usefixtures("with_fonts")
@pytest.mark.parametrize("source", sorted(task_sources))
def test_a_task_has_the_same_images_each_time(source):
    task = drawn(source)
    images = task_images(task)
    n_classes = len(task.classes)
    assert images.train.shape == (n_classes * task.shots, SIDE, SIDE, 3)
    assert (np.bincount(images.train_labels) == task.shots).all()
    assert len(images.test) >= 40
    assert set(images.test_labels) == set(range(n_classes))
    again = Task.from_dict(task.to_dict())
    assert again == task
    assert task_images(again).digest() == images.digest()
    assert task_images(replace(task, seed=task.seed + 1)).digest() != images.digest()


@pytest.mark.usefixtures("with_fonts")
@pytest.mark.parametrize("source", ["fonts", "glyphs", "patterns"])
def test_unseen_tasks_have_other_classes_and_fonts(source):
    known = {"meta-train": [set(), set()], "unseen": [set(), set()]}
    for part, (classes, fonts) in known.items():
        for seed in range(12):
            task = drawn(source, part, seed)
            classes.update(map(shape_of, task.classes) if source == "glyphs" else task.classes)
            fonts.update(task.fonts)
    (classes, fonts), (other_classes, other_fonts) = known.values()
    assert classes
    assert not classes & other_classes
    assert not fonts & other_fonts
    assert bool(fonts) == (source != "patterns")


def test_letters_that_look_alike_are_in_one_part():
    for one in ("AaΑαАа", "OoОоΟο0", "PРΡ"):
        assert len({character_part(character) for character in one}) == 1
    every = "".join(ALPHABETS.values())
    assert {character_part(character) for character in every} == {"meta-train", "unseen"}


def test_test_images_are_of_other_glyphs(fonts, monkeypatch, with_fonts):
    task = drawn("glyphs")
    used = {False: set(), True: set()}
    from search.tasks.sources import glyphs

    def watched(character, some, rng, n, testing):
        used[testing].update(font.path for font in some)
        return np.zeros((n, 28, 28), np.uint8)

    source = glyphs.GlyphSource()
    for testing in (False, True):
        monkeypatch.setattr(
            glyphs, "drawn_glyphs", lambda *given, testing=testing: watched(*given, testing)
        )
        source.figures(task, 0, 3, testing, np.random.default_rng(0))
    assert used[False]
    assert used[True]
    assert not used[False] & used[True]


def test_too_few_fonts_are_named_with_what_to_install(fonts, monkeypatch):
    monkeypatch.setattr("search.tasks.sources.glyphs.installed_fonts", lambda: fonts[:3])
    with pytest.raises(UsageError, match="60 font families, 3 are in") as few:
        draw_plan(PlanSettings(meta_train=1, unseen=0), 0)
    assert "apt install fonts-aenigma" in few.value.remedy


def test_a_font_that_is_gone_is_named(with_fonts):
    task = drawn("glyphs", fonts=("Gone.ttf", "Away.ttf"))
    with pytest.raises(UsageError, match=r"Gone\.ttf is not installed"):
        task_images(task)


def test_cells_of_chance_lead_to_the_output():
    cells = drawn_cells(40, np.random.default_rng(0))
    every = np.concatenate([ANCHORS, cells])
    assert len(np.unique(every, axis=0)) == len(every)
    assert connected(every).all()
    assert not connected(np.zeros((1, 6), np.int8)).any()


# --- triplets ----------------------------------------------------------------------------------


def request(folder, workers=1, **changes):
    given = {"settings": SMALL, "recipe": TaskRecipe(steps=2, batch=4), "seed": 3}
    return TasksRequest(folder, **{**given, **changes}, workers=workers)


def contents(folder):
    return [(folder / name).read_bytes() for name in (TRIPLETS, TASKS)]


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("collected")
    return folder, collect_triplets(request(folder))


def test_a_meta_data_set_is_read_as_it_was_written(collected):
    folder, data = collected
    again = read_meta_data(folder)
    assert (again.tasks, again.triplets) == (data.tasks, data.triplets)
    assert len(data.triplets) == FEW
    assert len({triplet.top1 for triplet in data.triplets}) > 5
    for name, task in data.tasks.items():
        first = [triplet.genes for triplet in data.of(name)[: len(ANCHORS)]]
        assert first == [tuple(row) for row in ANCHORS.tolist()]
        assert len({triplet.seed for triplet in data.of(name)}) == 1 + (task.part == "unseen")


def test_work_that_stopped_anywhere_comes_to_the_same(collected, tmp_path):
    whole = (collected[0] / JOURNAL).read_bytes()
    lines = whole.splitlines(keepends=True)
    for cut in (len(lines[0]) - 3, len(whole) // 2 + 7):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / JOURNAL).write_bytes(whole[:cut])
        told = []
        collect_triplets(request(folder), lambda *counts, told=told: told.append(counts))
        assert contents(folder) == contents(collected[0])
        assert told[-1] == (FEW, FEW)
        assert told[0][0] == max(0, whole[:cut].count(b"\n") - 1)


def test_workers_that_are_killed_change_nothing(collected, tmp_path, monkeypatch):
    started, killed = [], []

    def kill_one(done, total):
        if not killed and done > 2:
            killed.append(started[0])
            os.kill(started[0], signal.SIGKILL)

    start = Child.start

    def watched(*given, **options):
        child = start(*given, **options)
        started.append(child.process.pid)
        return child

    monkeypatch.setattr(Child, "start", watched)
    collect_triplets(request(tmp_path, 2), kill_one)
    assert killed
    assert contents(tmp_path) == contents(collected[0])


def test_other_settings_or_images_are_refused(collected, tmp_path, monkeypatch):
    folder = tmp_path / "other"
    folder.mkdir()
    lines = (collected[0] / JOURNAL).read_bytes().splitlines(keepends=True)
    (folder / JOURNAL).write_bytes(b"".join(lines[:4]))
    with pytest.raises(TasksMismatch, match=r"recipe\.steps was 2, now 3"):
        collect_triplets(request(folder, recipe=TaskRecipe(steps=3, batch=4)))
    monkeypatch.setattr("search.tasks.task.TaskImages.digest", lambda images: "other images")
    with pytest.raises(TasksMismatch, match="images of"):
        collect_triplets(request(folder))


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        (TRIPLETS, lambda data: data[:-9], "damaged"),
        (TASKS, lambda data: data[: len(data) // 2], "no JSON"),
        (TASKS, lambda data: data.replace(b'"shots"', b'"shoots"'), "task 0: .*'shots' is missing"),
        (TRIPLETS, lambda data: b"", "damaged|other columns"),
    ],
)
def test_a_damaged_file_is_named(collected, tmp_path, name, damage, message):
    for other, data in zip((TRIPLETS, TASKS), contents(collected[0]), strict=True):
        (tmp_path / other).write_bytes(damage(data) if other == name else data)
    with pytest.raises(UsageError, match=f"{name}.*({message})"):
        read_meta_data(tmp_path)


def test_a_recipe_is_found_again_by_the_same_seed():
    tasks = [drawn("patterns", seed=seed) for seed in range(2)]
    begin = TaskRecipe(steps=2, batch=4)
    first, top1 = tune_recipe(tasks, 3, 1, begin)
    assert (first, top1) == tune_recipe(tasks, 3, 1, begin)
    assert (first.steps, first.batch) == (2, 4)
    assert 0 < top1 <= 100


def test_the_command_says_what_it_collected(tmp_path):
    from click.testing import CliRunner

    from search.cli import main

    counts = {"meta_train": 1, "unseen": 1, "cells": 5, "unseen_cells": 5, "repeated": 0}
    settings = {**counts, "sources": "patterns"}
    options = [f"--set={name}={value}" for name, value in settings.items()]
    given = [*options, "--recipe", "steps=1", "--data", "digits=digits", "-o", str(tmp_path)]
    result = CliRunner().invoke(main, ["pomonag", "tasks", *given, "--json"])
    assert result.exit_code == 0, result.output
    assert '"triplets": 20' in result.stdout
    assert {t.source for t in read_meta_data(tmp_path).tasks.values()} == {"patterns", "data"}
    assert collecting.JOURNALS.header(tmp_path / JOURNAL)["facts"]["recipe"]["steps"] == 1
    wrong = CliRunner().invoke(main, ["pomonag", "tasks", *given, "--data", "digits"])
    assert wrong.exit_code == 2
    assert "NAME=WHERE" in wrong.stderr
