"""``nassearch run --warm-start``: from an archive, and from a search on MACs."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from console import accepted, refused
from processes import until
from tables import audited_table
from trade_offs import CELLS, made_up_accuracy
from whims import lines, quick, user_folder

from luts import read_cost_model, write_cost_model
from nasprof.errors import UsageError
from search.archives.archive import Archive, ArchiveInvalid, ArchiveMismatch
from search.archives.stored import read_archive
from search.engines import engines
from search.problem import Limit, Objective, Problem
from search.runs.warm_start import evaluations_on_macs, macs_problem, start_from, start_from_macs
from spaces import get_space

SPACE = get_space("nasbench201")
SMALL = ("--set", "population=16", "--json")
NSGA2 = ("--engine", "nsga2", *SMALL)
OWN = (*NSGA2, "--objectives", "top1,macs", "--evals", 60)
ON_LATENCY = (*NSGA2, "--objectives", "top1,latency", "--lut", "table.json", "--evals", 40)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``table.json``, and in ``earlier/`` the archive of a search."""
    path = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch, user_folder(path, patch) as made:
        write_cost_model(audited_table(SPACE), path / "table.json")
        args = ("--engine", "random", "--objectives", "top1,macs", "--evals", 150, "--seed", 9)
        accepted(made.run(*args, "--json", "-o", "earlier"))
    return path


@pytest.fixture
def folder(tmp_path: Path, files: Path, monkeypatch: pytest.MonkeyPatch):
    with user_folder(tmp_path, monkeypatch) as made:
        shutil.copy(files / "table.json", tmp_path)
        yield made


@pytest.fixture
def earlier(folder, files: Path):
    """The archive of a search with another engine and seed."""
    shutil.copytree(files / "earlier", folder.path / "earlier")
    return kept(folder, "earlier")


def kept(folder, name="kept"):
    (path,) = (folder.path / name).iterdir()
    return path


def rows(path):
    """Genes in order of their places."""
    return [tuple(each["genes"]) for each in lines(path)[1]]


def cells(path):
    """Architectures as the user's function sees them."""
    return [each["cell"] for each in SPACE.decode(np.array(rows(path), np.int8))]


# --- from an archive of the same objectives -------------------------------------------------


def test_what_is_known_is_not_evaluated_again(folder, earlier):
    found = accepted(folder.run(*OWN, "--warm-start", earlier, "-o", "kept"))
    known, asked = cells(earlier), cells(kept(folder))
    again = set(known) & set(asked)
    assert len(again) >= len(read_archive(earlier).front)
    assert sorted(folder.calls) == sorted(set(asked) - again)
    assert found["evaluations"] == len(asked) == 60
    values = {tuple(each["genes"]): each["values"] for each in lines(earlier)[1]}
    for each in lines(kept(folder))[1]:
        assert values.get(tuple(each["genes"]), each["values"]) == each["values"]


def test_it_begins_with_the_front_and_says_so(folder, earlier):
    accepted(folder.run(*OWN, "--warm-start", earlier, "-o", "kept"))
    stored = read_archive(earlier)
    front = {tuple(row) for row in stored.genes[stored.front].tolist()}
    assert 4 <= len(front) <= 16
    assert front <= set(rows(kept(folder))[:16])
    assert lines(kept(folder))[0]["facts"]["start"] == {
        "from": earlier.name,
        "front": len(front),
        "known": 150,
    }


def test_a_front_to_begin_with_is_found_again_at_once(folder, earlier):
    best = read_archive(earlier)
    corner = ("--reference", "macs=3e8", "--reference", "top1=40")
    cold, warm = (
        accepted(folder.run(*OWN, "--evals", 16, *corner, *more))
        for more in ((), ("--warm-start", earlier))
    )
    reached = {each["values"]["macs"] for each in warm["front"]}
    assert set(best.values[best.front, 1]) <= reached
    assert warm["hypervolume"] > cold["hypervolume"]


@pytest.mark.parametrize("engine", [name for name in engines if name not in ("exact",)])
@pytest.mark.no_cover
def test_every_engine_begins_with_what_it_is_given(engine, folder, earlier):
    limit = ("--budget", "macs=150M") if engines.get(engine).seeks_best else ()
    args = ("--engine", engine, *quick(engine), "--objectives", "top1,macs", *limit)
    args = (*args, "--evals", 60, "--json")
    found = accepted(folder.run(*args, "--warm-start", earlier, "-o", "kept"))
    assert found["evaluations"] == 60
    again = set(cells(kept(folder))) & set(cells(earlier))
    assert again or engine == "nas-mo"  # which only leans towards it
    assert len(folder.calls) == 60 - len(again)


def test_failures_are_tried_again_and_what_succeeded_is_not(folder):
    """As the message of too many failures advises."""
    args = ("--engine", "random", "--objectives", "top1,macs", "--evals", 60, "--json")
    args = (*args, "--accuracy", "own_whims:whimsical")
    assert accepted(folder.run(*args, "-o", "broken"))["failed"] > 0
    broken = kept(folder, "broken")
    failed = [each["genes"] for each in lines(broken)[1] if "error" in each]
    (folder.path / "mended").touch()
    folder.forget()
    found = accepted(folder.run(*args, "--warm-start", broken, "-o", "kept"))
    assert found["failed"] == 0
    again = {each["cell"] for each in SPACE.decode(np.array(failed, np.int8))}
    fine = set(cells(broken)) - again
    assert not fine & set(folder.calls)
    assert fine & set(cells(kept(folder)))
    assert again & set(folder.calls)


def test_killed_and_gone_on_with_it_is_the_same(folder, earlier):
    folder.stall("all", 20)
    args = (*OWN, "--warm-start", earlier)
    process = folder.begin(*args, "-o", "kept")
    until(lambda: folder.stalled, process)
    process.kill()
    process.communicate()
    held = len(rows(kept(folder)))
    assert 0 < held < 60
    folder.forget()
    resumed = accepted(folder.run(*args, "-o", "kept"))
    assert len(folder.calls) < 60 - 19 + 1
    assert resumed == accepted(folder.run(*args, "-o", "whole"))
    assert kept(folder).read_bytes() == kept(folder, "whole").read_bytes()


def test_an_archive_that_has_grown_is_another_beginning(folder, earlier):
    args = (*OWN, "--warm-start", earlier, "-o", "kept")
    accepted(folder.run(*args))
    more = ("--engine", "random", "--objectives", "top1,macs", "--evals", 170, "--seed", 9)
    accepted(folder.run(*more, "-o", "earlier", "--json"))
    assert "is of another search: start." in refused(folder.run(*args))
    assert "start" in refused(folder.run(*OWN, "-o", "kept"))


def test_processes_use_what_is_known_as_well(folder, earlier):
    args = (*OWN, "--warm-start", earlier)
    expected = accepted(folder.run(*args, "-o", "serial"))
    folder.forget()
    how = ("--executor", "processes", "--workers", 2)
    assert accepted(folder.run(*args, *how, "-o", "kept")) == expected
    assert lines(kept(folder)) == lines(kept(folder, "serial"))
    assert len(folder.calls) == 60 - len(set(cells(kept(folder))) & set(cells(earlier)))


# --- from other archives --------------------------------------------------------------------


@pytest.mark.parametrize("names", ["score=own_whims:score,macs", "params,peak_memory"])
def test_of_other_objectives_the_front_alone_is_used(folder, earlier, names):
    args = (*NSGA2, "--objectives", names, "--space", "nasbench201", "--evals", 40)
    accepted(folder.run(*args, "--warm-start", earlier, "-o", "kept"))
    stored = read_archive(earlier)
    front = {tuple(row) for row in stored.genes[stored.front].tolist()}
    assert front <= set(rows(kept(folder))[:16])
    assert lines(kept(folder))[0]["facts"]["start"]["known"] == 0


def test_other_objectives_that_cost_nothing_keep_nothing_from_being_known(folder, earlier):
    args = (*NSGA2, "--objectives", "params,top1", "--evals", 40, "--warm-start", earlier)
    accepted(folder.run(*args, "-o", "kept"))
    path = kept(folder)
    assert lines(path)[0]["facts"]["start"]["known"] == 150
    assert sorted(folder.calls) == sorted(set(cells(path)) - set(cells(earlier)))
    assert len(folder.calls) < 40
    told = {tuple(each["genes"]): each["values"]["top1"] for each in lines(earlier)[1]}
    for each in lines(path)[1]:
        genes = np.array([each["genes"]], np.int8)
        assert each["values"]["params"] == SPACE.params(genes)[0]
        assert told.get(tuple(each["genes"]), each["values"]["top1"]) == each["values"]["top1"]


def test_some_of_its_objectives_in_another_order_are_known(folder):
    args = ("--engine", "random", "--objectives", "params,macs,top1", "--evals", 150, "--json")
    accepted(folder.run(*args, "-o", "earlier"))
    folder.forget()
    found = accepted(
        folder.run(*OWN, "--warm-start", kept(folder, "earlier"), "--evals", 16, "-o", "kept")
    )
    assert lines(kept(folder))[0]["facts"]["start"]["known"] == 150
    assert len(folder.calls) < 16
    for each in found["front"]:
        genes = SPACE.encode([each["arch"]])
        assert each["values"]["macs"] == SPACE.macs(genes)[0]


def test_another_function_of_the_same_name_is_not_known(folder, earlier):
    args = (*OWN, "--accuracy", "own_whims:whimsical", "--warm-start", earlier, "-o", "kept")
    accepted(folder.run(*args))
    assert lines(kept(folder))[0]["facts"]["start"]["known"] == 0
    assert len(folder.calls) == 60


def test_an_archive_of_another_space_is_refused(folder, earlier):
    args = (*OWN, "--space", "ofa-mbv3", "--warm-start", earlier, "-o", "kept")
    said = refused(folder.run(*args))
    assert "is of nasbench201, the search of ofa-mbv3" in said
    assert not (folder.path / "kept").exists()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data.replace(b'"genes"', b'"gones"', 1), "line 2: "),
        (lambda data: b"my notes\n", "is no archive"),
        (lambda data: b"", "holds no whole line"),
        (lambda data: data.replace(b'"values":{', b'"values":[', 1), "line 2 is not valid JSON"),
    ],
)
def test_a_damaged_archive_is_refused_and_left_alone(folder, earlier, damage, said):
    damaged = damage(earlier.read_bytes())
    earlier.write_bytes(damaged)
    assert said in refused(folder.run(*OWN, "--warm-start", earlier, "-o", "kept"))
    assert earlier.read_bytes() == damaged
    assert folder.calls == []
    assert not (folder.path / "kept").exists()


def test_no_archive_is_refused(folder):
    said = refused(folder.run(*OWN, "--warm-start", "nothing.jsonl", "-o", "kept"))
    assert "cannot read nothing.jsonl" in said


def test_an_incomplete_last_line_is_left_out_and_said(folder, earlier):
    data = earlier.read_bytes()[:-7]
    earlier.write_bytes(data)
    result = folder.run(*OWN, "--warm-start", earlier, "-o", "kept")
    accepted(result)
    assert "the last line is incomplete and left out" in result.stderr
    assert lines(kept(folder))[0]["facts"]["start"]["known"] == 149
    assert earlier.read_bytes() == data


def test_an_archive_without_a_front_is_a_search_like_any_other(folder):
    args = (*NSGA2, "--objectives", "top1,macs", "--budget", "top1=999", "--evals", 30)
    accepted(folder.run(*args, "--seed", 5, "-o", "earlier"))
    warm = accepted(folder.run(*OWN, "--warm-start", kept(folder, "earlier")))
    assert warm == accepted(folder.run(*OWN))


# --- from a search on MACs ------------------------------------------------------------------


def both(folder, name="kept"):
    """The archive of a search, and that of the search on MACs before it."""
    first, after = sorted((folder.path / name).iterdir(), key=lambda path: "macs" not in path.name)
    return after, first


def test_a_search_on_macs_comes_first_and_is_kept(folder):
    result = folder.run(*ON_LATENCY, "--warm-start", "macs", "-o", "kept")
    found = accepted(result)
    path, first = both(folder)
    assert "Searching on MACs first" in result.stderr
    assert [each["name"] for each in found["objectives"]] == ["top1", "latency"]
    assert found["evaluations"] == 40
    head, records = lines(first)
    assert [each["name"] for each in head["facts"]["objectives"]] == ["top1", "macs"]
    assert len(records) == 40
    stored = read_archive(first)
    front = {tuple(row) for row in stored.genes[stored.front].tolist()}
    assert front <= set(rows(path)[:16])
    assert lines(path)[0]["facts"]["start"] == {"from": "macs", "evaluations": 40}
    folder.forget()
    again = folder.run(*ON_LATENCY, "--warm-start", "macs", "-o", "kept")
    assert accepted(again) == found
    assert folder.calls == []


def test_what_the_search_on_macs_evaluated_is_not_evaluated_again(folder):
    accepted(folder.run(*ON_LATENCY, "--warm-start", "macs", "-o", "kept"))
    path, first = both(folder)
    assert set(cells(path)) & set(cells(first))
    assert sorted(folder.calls) == sorted(set(cells(path)) | set(cells(first)))
    table = read_cost_model(folder.path / "table.json")
    told = {tuple(each["genes"]): each["values"]["top1"] for each in lines(first)[1]}
    for each in lines(path)[1]:
        latency_ms = table.latency_ms(np.array([each["genes"]], np.int8))[0]
        assert each["values"]["latency"] == pytest.approx(latency_ms, rel=1e-12)
        assert told.get(tuple(each["genes"]), each["values"]["top1"]) == each["values"]["top1"]


@pytest.mark.no_cover
@pytest.mark.parametrize("calls", [20, 60])
def test_killed_during_either_search_it_is_gone_on_with(folder, calls):
    folder.stall("all", calls)
    args = (*ON_LATENCY, "--warm-start", "macs")
    process = folder.begin(*args, "-o", "kept")
    until(lambda: folder.stalled, process)
    process.kill()
    process.communicate()
    assert len(list((folder.path / "kept").iterdir())) == (1 if calls == 20 else 2)
    folder.forget()
    resumed = accepted(folder.run(*args, "-o", "kept"))
    again = len(folder.calls)
    folder.forget()
    assert resumed == accepted(folder.run(*args, "-o", "whole"))
    assert again == len(folder.calls) - calls + 1
    for one, other in zip(both(folder), both(folder, "whole"), strict=True):
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), ("--evals", 60)),
        (("--evals", 10**6, "--time", "0.3s"),) * 2,
        (("--evals", 1000, "--patience", 10), ("--evals", 1000, "--patience", 30)),
    ],
)
def test_a_search_that_has_begun_keeps_its_beginning(folder, before, after):
    args = (*ON_LATENCY, "--warm-start", "macs", "-o", "kept")
    begun = accepted(folder.run(*args, *before))
    path, first = (each.read_bytes() for each in both(folder))
    found = accepted(folder.run(*args, *after))
    assert both(folder)[1].read_bytes() == first
    assert both(folder)[0].read_bytes().startswith(path)
    assert found["evaluations"] > begun["evaluations"]


def test_begun_afresh_both_are(folder):
    args = (*ON_LATENCY, "--warm-start", "macs", "-o", "kept")
    accepted(folder.run(*args))
    accepted(folder.run(*args, "--evals", 30, "--fresh"))
    path, first = both(folder)
    assert len(lines(path)[1]) == len(lines(first)[1]) == 30


def test_without_a_latency_there_is_nothing_to_replace(folder):
    said = refused(folder.run(*OWN, "--warm-start", "macs", "-o", "kept"))
    assert "searches on MACs instead of latency, which is no objective" in said
    assert "--warm-start FILE" in said
    assert folder.calls == []
    assert not (folder.path / "kept").exists()


def test_an_engine_that_cannot_search_on_macs_is_refused_before_anything(folder):
    args = ("--engine", "ofa-ea", *SMALL, "--objectives", "top1,latency", "--lut", "table.json")
    args = (*args, "--budget", "1s", "--warm-start", "macs", "-o", "kept")
    said = refused(folder.run(*args))
    assert "--warm-start macs searches on MACs instead of latency first" in said
    assert "none is set on macs" in said
    assert not (folder.path / "kept").exists()


def test_a_predictor_of_what_is_no_objective_on_macs_is_refused(folder):
    args = ("--engine", "linas", "--objectives", "top1,latency", "--lut", "table.json")
    args = (*args, "--set", 'predictor={"latency": "ridge"}', "--evals", 30)
    said = refused(folder.run(*args, "--warm-start", "macs", "-o", "kept"))
    assert "--warm-start macs searches on MACs instead of latency first" in said
    assert "'predictor' names 'latency', which is no objective" in said
    assert "Objectives: top1, macs. Or begin with an archive: --warm-start FILE." in said
    assert folder.calls == []
    assert not (folder.path / "kept").exists()


def latency(name):
    return Objective(name, "ms", lambda genes: genes.sum(1).astype(float))


def test_macs_take_the_place_of_all_latencies_and_their_limits():
    names = ("latency", "latency@pixel", "latency_upper@pixel", "latency_measured")
    accuracy = made_up_accuracy(CELLS)
    top1 = Objective("top1", "%", accuracy.top1, maximise=True)
    budgets = {"top1": 71.0, "latency": 5.0, "latency@pixel": 3.0}
    limits = {name: Limit.of_budget(budget) for name, budget in budgets.items()}
    problem = Problem(CELLS, (top1, *map(latency, names)), limits)
    found = macs_problem(problem)
    assert [each.name for each in found.objectives] == ["top1", "macs"]
    assert found.prediction_limits == {"top1": 71.0}
    genes = CELLS.sample(5, np.random.default_rng(0))
    np.testing.assert_array_equal(found.values(genes)[:, 1], CELLS.macs(genes))
    again = replace(problem, objectives=(latency("latency"), found.objectives[1]), limits={})
    assert [each.name for each in macs_problem(again).objectives] == ["macs"]
    with pytest.raises(UsageError, match="which is no objective"):
        macs_problem(found)


# --- without the command --------------------------------------------------------------------


def test_values_are_known_to_be_minimised_whatever_the_direction(tmp_path):
    score = Objective("score", "", lambda genes: genes.sum(1).astype(float), maximise=True)
    cost = Objective("cost", "", lambda genes: (genes**2).sum(1).astype(float))
    problem = Problem(CELLS, (score, cost))
    genes = CELLS.sample(6, np.random.default_rng(0))
    values = problem.values(genes)
    values[2] = np.nan
    with Archive(problem, {}, tmp_path / "a.jsonl") as archive:
        archive.add(genes, values, [None, None, "no such operation", None, None, None])
    start = start_from(tmp_path / "a.jsonl", problem)
    assert set(start.known) == {row.tobytes() for row in np.delete(genes, 2, 0)}
    for row in np.delete(genes, 2, 0):
        np.testing.assert_array_equal(start.known[row.tobytes()], problem.values(row[None])[0])
    np.testing.assert_array_equal(start.genes, archive.front[0])
    swapped = start_from(tmp_path / "a.jsonl", replace(problem, objectives=(cost, score)))
    np.testing.assert_array_equal(swapped.known[genes[0].tobytes()], values[0, ::-1])
    other = replace(problem, objectives=(score, replace(cost, kind="evaluated")))
    assert start_from(tmp_path / "a.jsonl", other).known == {}
    with pytest.raises(ArchiveMismatch):
        start_from(tmp_path / "a.jsonl", replace(problem, space=SPACE))
    with pytest.raises(ArchiveInvalid):
        start_from(tmp_path / "b.jsonl", problem)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (json.dumps({"facts": {"start": {"from": "macs", "evaluations": 7}}}) + "\n{", 7),
        (json.dumps({"facts": {"start": {"from": "a.jsonl", "evaluations": 7}}}), None),
        (json.dumps({"facts": {}}), None),
        ('{"facts": {"start": ', None),
        ("[]", None),
        ("", None),
    ],
)
def test_the_head_of_an_archive_tells_how_long_its_search_on_macs_was(tmp_path, text, expected):
    (tmp_path / "a.jsonl").write_text(text)
    assert evaluations_on_macs(tmp_path / "a.jsonl") == expected
    assert evaluations_on_macs(tmp_path / "none.jsonl") is None


@pytest.mark.parametrize("free", [True, False])
def test_what_is_known_of_macs_alone_is_known_where_the_rest_is_free(free):
    score = Objective("score", "", lambda genes: genes.sum(1).astype(float), maximise=True)
    problem = Problem(CELLS, (replace(latency("latency"), free=free), score))
    first = Archive(macs_problem(problem))
    genes = CELLS.sample(6, np.random.default_rng(0))
    values = first.problem.values(genes)
    values[2] = np.nan
    first.add(genes, values, [None, None, "no such operation", None, None, None])
    start = start_from_macs(first, problem)
    np.testing.assert_array_equal(start.genes, first.front[0])
    right = np.delete(genes, 2, 0) if free else genes[:0]
    assert set(start.known) == {row.tobytes() for row in right}
    for row in right:
        np.testing.assert_array_equal(start.known[row.tobytes()], problem.values(row[None])[0])
