"""``nassearch archive`` as its users see it, and what is read of archives without their models."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from console import accepted, console, refused
from trade_offs import CELLS

from nasprof.cli import command_line
from search.accuracy.measurements import read_measurements
from search.archives.archive import Archive
from search.archives.stored import read_archive
from search.archives.summary import summaries, summary_of
from search.commands.archive import archive
from search.engines import make_engine
from search.problem import Limit, Objective, Problem
from search.quality.indicators import hypervolume, non_dominated
from search.runs.run import run
from spaces import get_space

ACCURACY = np.random.default_rng(5).random(CELLS.n_genes)


@command_line("nassearch")
def main():
    """A command line of archives alone."""


main.add_command(archive)


def top1(genes):
    return 70 + (genes @ ACCURACY) ** 0.5


def macs(genes):
    return CELLS.macs(genes).astype(float)


OBJECTIVES = (
    Objective("top1", "%", top1, maximise=True),
    Objective("latency", "ms", lambda genes: macs(genes) / 1e5 + genes[:, 0]),
    Objective("macs", "", macs),
    *(
        Objective(f"latency@{number}", "ms", lambda genes, n=number: genes[:, n % 6] + macs(genes))
        for number in range(9)
    ),
)
PROBLEM = Problem(CELLS, OBJECTIVES[:2])


def searched(path, problem=PROBLEM, seed=0, evaluations=100, **facts):
    facts = {"engine": "random", "seed": seed} | facts
    with Archive(problem, facts, path) as kept:
        engine = make_engine("random").setup(problem, np.random.default_rng(seed))
        run(engine, kept, evaluations)
    return kept


def with_failures(path, *places):
    """The archive with some of its architectures failed, and why."""
    lines = path.read_text().splitlines()
    for place in places:
        line = json.loads(lines[place + 1])
        line["values"] = dict.fromkeys(line["values"])
        lines[place + 1] = json.dumps(line | {"error": f"out of, memory {place}"})
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    return console(main)


@pytest.fixture
def kept(tmp_path: Path):
    """A search on disk, as it was in memory."""
    return searched(tmp_path / "a.jsonl")


# --- reading --------------------------------------------------------------------------------


def test_an_archive_is_read_without_its_models(kept, tmp_path):
    with_failures(tmp_path / "a.jsonl", 3)
    stored = read_archive(tmp_path / "a.jsonl")
    assert stored.space == CELLS
    assert [(each.name, each.unit, each.maximise) for each in stored.objectives] == [
        ("top1", "%", True),
        ("latency", "ms", False),
    ]
    assert stored.facts["engine"] == "random"
    assert np.array_equal(stored.genes, kept.genes)
    expected = kept.values.copy()
    expected[3] = np.nan
    assert np.array_equal(stored.minimised, expected, equal_nan=True)
    assert stored.values[0, 0] == top1(kept.genes[:1])[0]
    assert stored.errors[2:5] == [None, "out of, memory 3", None]
    assert np.array_equal(np.flatnonzero(~stored.known), [3])


def test_the_front_is_that_of_the_search(tmp_path):
    limited = Problem(
        CELLS,
        OBJECTIVES[:2],
        {
            "latency": Limit.of_budget(
                float(macs(CELLS.sample(50, np.random.default_rng(0))).mean() / 1e5)
            )
        },
    )
    found = searched(tmp_path / "a.jsonl", limited)
    stored = read_archive(tmp_path / "a.jsonl")
    assert 0 < stored.within.sum() < len(stored)
    assert np.array_equal(stored.genes[stored.front], found.front[0])


def test_an_incomplete_last_line_is_left_out_and_the_file_left_alone(kept, tmp_path, asked, caplog):
    path = tmp_path / "a.jsonl"
    data = path.read_bytes()[:-4]
    path.write_bytes(data)
    assert len(read_archive(path)) == 99
    assert "last line is incomplete" in caplog.text
    result = asked("archive", "show", path, "--json")
    assert accepted(result)["evaluations"] == 99
    assert "last line is incomplete" in result.stderr
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    "damage",
    [
        "{",
        "[]",
        '{"genes":[9,0,0,0,0,0],"values":{"top1":1,"latency":1}}',
        '{"genes":[0,0,0,0,0],"values":{"top1":1,"latency":1}}',
        '{"genes":[0,0,0,0,0,1e99],"values":{"top1":1,"latency":1}}',
        '{"genes":[0,0,0,0,0,99999999999999999999],"values":{"top1":1,"latency":1}}',
        '{"genes":[0,0,0,0,0,0],"values":{"top1":1}}',
        '{"genes":[0,0,0,0,0,0],"values":{"top1":NaN,"latency":1}}',
        '{"genes":[0,0,0,0,0,0],"values":{"top1":1,"latency":1},"error":5}',
    ],
)
def test_a_damaged_line_in_the_middle_is_named(kept, tmp_path, asked, damage):
    path = tmp_path / "a.jsonl"
    lines = path.read_text().split("\n")
    lines[41] = damage
    path.write_text("\n".join(lines))
    for command in (("show", path), ("export", path), ("merge", path, "-o", "b.jsonl")):
        assert re.search(r"a\.jsonl, line 42\b", refused(asked("archive", *command)))
    assert path.read_text() == "\n".join(lines)
    assert not (tmp_path / "b.jsonl").exists()


def header(**facts):
    objectives = [{"name": "top1", "unit": "%", "maximise": True}]
    whole = {"space": CELLS.settings, "objectives": objectives, "limits": {}} | facts
    return json.dumps({"schema": 1, "facts": whole}) + "\n"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no whole line"),
        ("my notes\n", "no archive"),
        ("[]\n", "no archive"),
        ('{"schema": 7, "facts": {}}\n', "no archive of this version"),
        (header(space={"space": "nowhere"}), "nowhere"),
        (header(space=None), "'space'"),
        (header(objectives=[]), "expected one or more"),
        (header(objectives=[{"name": "top1"}]), "'unit'"),
        (header(limits={"top2": 5}), "'top2'"),
        (header(limits={"top1": "5"}), "'top1'"),
    ],
)
def test_a_foreign_file_is_refused(tmp_path, asked, text, word):
    (tmp_path / "a.jsonl").write_text(text)
    assert word in refused(asked("archive", "show", "a.jsonl"))
    assert "cannot read" in refused(asked("archive", "show", "missing.jsonl"))


def test_a_search_without_evaluations_holds_nothing(tmp_path, asked):
    (tmp_path / "a.jsonl").write_text(header())
    found = accepted(asked("archive", "show", "a.jsonl", "--front", "--json"))
    assert (found["evaluations"], found["front"], found["hypervolume"]) == (0, [], 0)
    assert found["reference"] == {"top1": None}
    assert asked("archive", "show", "a.jsonl", "--front").exit_code == 0
    assert asked("archive", "export", "a.jsonl").stdout == "arch,top1\n"
    assert "nothing to draw" in refused(asked("archive", "show", "a.jsonl", "--plot", "a.png"))
    assert "nothing to draw" in refused(asked("archive", "show", "a.jsonl", "--curves", "a.png"))


# --- show -----------------------------------------------------------------------------------


def test_show_tells_the_best_the_front_and_its_hypervolume(kept, tmp_path, asked):
    with_failures(tmp_path / "a.jsonl", 3, 4)
    found = accepted(asked("archive", "show", "a.jsonl", "--json"))
    values = np.delete(kept.values, [3, 4], 0)
    assert (found["engine"], found["seed"], found["evaluations"]) == ("random", 0, 100)
    assert (found["failed"], found["space"]) == (2, CELLS.settings)
    accuracy, latency = found["objectives"]
    assert accuracy["best"] == -values[:, 0].min()
    assert accuracy["worst"] == -values[:, 0].max()
    assert (latency["best"], latency["worst"]) == (values[:, 1].min(), values[:, 1].max())
    assert found["reference"] == {"top1": accuracy["worst"], "latency": latency["worst"]}
    assert found["hypervolume"] == pytest.approx(hypervolume(values, values.max(0)))
    assert found["hypervolume_exact"] is True
    shown = [[-each["values"]["top1"], each["values"]["latency"]] for each in found["front"]]
    assert shown == values[non_dominated(values)].tolist()
    genes = CELLS.encode([each["arch"] for each in found["front"]])
    assert top1(genes) == pytest.approx([each["values"]["top1"] for each in found["front"]])
    marks = [mark for each in found["front"] for mark in each["marks"]]
    assert sorted(marks) == ["knee", "preferred"]


def test_show_prints_tables(kept, asked, tmp_path):
    with_failures(tmp_path / "a.jsonl", 3)
    shown = asked("archive", "show", "a.jsonl")
    assert "a.jsonl: random, seed 0" in shown.stdout
    assert "100 evaluated, 1 failed" in " ".join(shown.stdout.split())
    assert "hypervolume" in shown.stdout
    assert "knee" not in shown.stdout
    front = asked("archive", "show", "a.jsonl", "--front", "--top", 2).stdout
    assert "knee" in front
    assert "preferred" in front
    assert re.search(r"\d of \d+ on the front", front)


def test_another_reference_may_be_given(kept, asked):
    found = accepted(asked("archive", "show", "a.jsonl", "--reference", "latency=1e3", "--json"))
    assert found["reference"]["latency"] == 1000
    corner = np.array([kept.values[:, 0].max(), 1000])
    assert found["hypervolume"] == pytest.approx(hypervolume(kept.values, corner))
    show = ("archive", "show", "a.jsonl", "--reference")
    assert "no objective is called 'speed'" in refused(asked(*show, "speed=1"))
    assert "expected a number" in refused(asked(*show, "latency=slow"))
    assert "NAME=VALUE" in refused(asked(*show, "latency"))


def test_files_of_the_same_objectives_have_the_same_reference(kept, asked, tmp_path):
    other = searched(tmp_path / "b.jsonl", seed=1)
    searched(tmp_path / "c.jsonl", Problem(CELLS, OBJECTIVES[:3]))
    found = accepted(asked("archive", "show", "a.jsonl", "b.jsonl", "c.jsonl", "--json"))
    worst = np.concatenate([kept.values, other.values]).max(0)
    expected = {"top1": -worst[0], "latency": worst[1]}
    assert [each["reference"] for each in found[:2]] == [expected, expected]
    assert set(found[2]["reference"]) == {"top1", "latency", "macs"}


def test_searches_in_memory_are_summed_up_as_one(kept, tmp_path):
    other = searched(None, seed=1)
    found = summary_of(PROBLEM, [kept, other], {"latency": 1000}, {"engine": "both"})
    expected = np.concatenate([kept.values, other.values])
    assert np.array_equal(found.archive.minimised, expected)
    corner = np.array([expected[:, 0].max(), 1000])
    assert found.hypervolume == pytest.approx(hypervolume(expected, corner))
    told = found.to_dict()
    assert (told["path"], told["engine"], told["evaluations"]) == (None, "both", 200)
    # On disk and in memory are the same objectives.
    alone = summary_of(PROBLEM, [kept], {}, {"engine": "random", "seed": 0})
    (stored,) = summaries([read_archive(tmp_path / "a.jsonl")], {})
    assert stored.to_dict() == alone.to_dict() | {"path": str(tmp_path / "a.jsonl")}
    assert stored.archive.objectives == alone.archive.objectives


def test_twelve_objectives_are_shown_below_each_other(asked, tmp_path):
    searched(tmp_path / "a.jsonl", Problem(CELLS, OBJECTIVES))
    result = asked("archive", "show", "a.jsonl", "--front", "--plot", "a.png")
    assert result.exit_code == 0
    assert "a.png" in result.stderr
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    for objective in OBJECTIVES:
        assert objective.name in result.stdout
    assert "hypervolume about" in result.stdout
    assert "knee" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_pictures_of_several_files_are_numbered_and_their_curves_together(kept, asked, tmp_path):
    searched(tmp_path / "b.jsonl", seed=1, evaluations=70)
    searched(tmp_path / "c.jsonl", engine="other")
    args = ("archive", "show", "a.jsonl", "b.jsonl", "c.jsonl")
    assert asked(*args, "--plot", "p.png", "--curves", "c.png").exit_code == 0
    pictures = sorted(path.name for path in tmp_path.glob("*.png"))
    assert pictures == ["c.png", "p-1.png", "p-2.png", "p-3.png"]
    searched(tmp_path / "d.jsonl", Problem(CELLS, OBJECTIVES[:3]))
    assert "d.jsonl is of other objectives" in refused(asked(*args, "d.jsonl", "--curves", "e.png"))


# --- merge ----------------------------------------------------------------------------------


def test_merging_keeps_each_architecture_once_in_order(kept, asked, tmp_path):
    other = searched(tmp_path / "b.jsonl", seed=1, engine="other")
    longer = searched(tmp_path / "c.jsonl", seed=0, evaluations=130)
    files = ("a.jsonl", "b.jsonl", "c.jsonl")
    result = asked("archive", "merge", *files, "-o", "all.jsonl", "--json")
    told = accepted(result)
    assert result.stderr == ""
    merged = read_archive(tmp_path / "all.jsonl")
    every = np.concatenate([kept.genes, other.genes, longer.genes])
    rows = dict.fromkeys(map(tuple, every.tolist()))
    assert [*map(tuple, merged.genes.tolist())] == [*rows]
    assert told["evaluations"] == len(rows) <= 230
    assert told["repeated"] == 330 - len(rows)
    assert np.allclose(merged.values[:, 0], top1(merged.genes))
    assert merged.facts["engine"] == "merge"
    assert merged.facts["sources"] == [*files]
    assert merged.limits == {}
    shown = accepted(asked("archive", "show", "all.jsonl", "--json"))
    assert (shown["engine"], shown["seed"]) == ("merge", None)
    assert len(shown["front"]) == told["front"]


def test_merging_again_changes_nothing(kept, asked, tmp_path):
    searched(tmp_path / "b.jsonl", seed=1)
    accepted(asked("archive", "merge", "a.jsonl", "b.jsonl", "-o", "c.jsonl", "--json"))
    accepted(asked("archive", "merge", "c.jsonl", "a.jsonl", "-o", "d.jsonl", "--json"))
    assert (tmp_path / "c.jsonl").read_bytes() == (tmp_path / "d.jsonl").read_bytes()
    assert "files" in asked("archive", "merge", "c.jsonl", "-o", "e.jsonl").stdout


def test_an_evaluation_takes_the_place_of_a_failure(kept, asked, tmp_path):
    data = (tmp_path / "a.jsonl").read_bytes()
    (tmp_path / "b.jsonl").write_bytes(data)
    with_failures(tmp_path / "a.jsonl", 3, 5)
    with_failures(tmp_path / "b.jsonl", 5, 7)
    result = asked("archive", "merge", "a.jsonl", "b.jsonl", "-o", "c.jsonl", "--json")
    assert accepted(result)["evaluations"] == 100
    assert "differ" not in result.stderr
    merged = read_archive(tmp_path / "c.jsonl")
    assert np.flatnonzero(~merged.known).tolist() == [5]
    assert merged.errors[5] == "out of, memory 5"
    assert merged.errors[3] is merged.errors[7] is None
    assert np.array_equal(np.delete(merged.minimised, 5, 0), np.delete(kept.values, 5, 0))


def test_the_first_values_are_kept_and_disagreements_told(kept, asked, tmp_path):
    changed = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    for place, factor in ((5, 1.5), (6, 1 + 1e-14), (7, 0.9)):
        changed[place]["values"]["latency"] *= factor
    (tmp_path / "b.jsonl").write_text("".join(json.dumps(line) + "\n" for line in changed))
    result = asked("archive", "merge", "a.jsonl", "b.jsonl", "-o", "c.jsonl", "--json")
    assert accepted(result)["evaluations"] == 100
    assert "b.jsonl: the values of 2 architectures differ" in result.stderr
    assert np.array_equal(read_archive(tmp_path / "c.jsonl").minimised, kept.values)


@pytest.mark.parametrize(
    ("problem", "facts", "word"),
    [
        (Problem(get_space("nasbench201"), OBJECTIVES[:2]), {}, "space"),
        (Problem(CELLS, OBJECTIVES[1::-1]), {}, "objectives"),
        (PROBLEM, {"models": {"top1": "another"}}, "models.top1"),
        (PROBLEM, {"probes": [1]}, "probes"),
    ],
)
def test_what_is_of_something_else_is_not_merged(kept, asked, tmp_path, problem, facts, word):
    with Archive(problem, {"engine": "random", "seed": 1} | facts, tmp_path / "b.jsonl"):
        pass
    said = refused(asked("archive", "merge", "a.jsonl", "b.jsonl", "-o", "c.jsonl"))
    assert "b.jsonl is of something else than a.jsonl" in said
    assert word in said
    assert not (tmp_path / "c.jsonl").exists()


def test_limits_stay_where_all_agree(asked, tmp_path):
    for name, limit, seed in (("a", 5.0, 0), ("b", 5.0, 1), ("c", 6.0, 2)):
        problem = Problem(CELLS, OBJECTIVES[:2], {"latency": Limit.of_budget(limit)})
        searched(tmp_path / f"{name}.jsonl", problem, seed)
    accepted(asked("archive", "merge", "a.jsonl", "b.jsonl", "-o", "same.jsonl", "--json"))
    accepted(asked("archive", "merge", "a.jsonl", "c.jsonl", "-o", "other.jsonl", "--json"))
    assert read_archive(tmp_path / "same.jsonl").limits == {"latency": 5.0}
    assert read_archive(tmp_path / "other.jsonl").limits == {}


def test_what_exists_is_replaced_only_when_asked_and_idle(kept, asked, tmp_path):
    path = tmp_path / "b.jsonl"
    path.write_text("precious")
    merge = ("archive", "merge", "a.jsonl", "-o", "b.jsonl")
    assert "--overwrite" in refused(asked(*merge))
    assert path.read_text() == "precious"
    assert asked(*merge, "--overwrite").exit_code == 0
    assert len(read_archive(path)) == 100
    with Archive(PROBLEM, {"engine": "random", "seed": 0}, tmp_path / "a.jsonl"):
        begun = ("archive", "merge", "b.jsonl", "-o", "a.jsonl", "--overwrite")
        assert "at work on a.jsonl" in refused(asked(*begun), 1)
    (tmp_path / "folder").mkdir()
    refused(asked("archive", "merge", "a.jsonl", "-o", "folder", "--overwrite"))


# --- export ---------------------------------------------------------------------------------


def test_what_is_exported_can_be_fitted(kept, asked, tmp_path):
    with_failures(tmp_path / "a.jsonl", 3, 4)
    result = asked("archive", "export", "a.jsonl", "-o", "a.csv")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "2 that failed are left out" in result.stderr
    measured = read_measurements(tmp_path / "a.csv")
    assert measured.space == CELLS
    assert len(measured) == 98
    assert np.array_equal(measured.top1, top1(measured.genes))
    assert "--overwrite" in refused(asked("archive", "export", "a.jsonl", "-o", "a.csv"))


def test_the_front_and_what_failed_can_be_exported(kept, asked, tmp_path):
    with_failures(tmp_path / "a.jsonl", 3)
    lines = asked("archive", "export", "a.jsonl", "--front", "--format", "csv").stdout.splitlines()
    front = read_archive(tmp_path / "a.jsonl").front
    assert lines[0] == "arch,top1,latency"
    assert len(lines) == len(front) + 1
    lines = asked("archive", "export", "a.jsonl", "--failed").stdout.splitlines()
    assert len(lines) == 101
    assert lines[0] == "arch,top1,latency,error"
    assert lines[4].endswith(',,,"out of, memory 3"')
    assert lines[5].endswith(",")
    said = refused(asked("archive", "export", "a.jsonl", "--format", "cvs"))
    assert "Did you mean csv?" in said
