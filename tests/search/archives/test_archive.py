"""What a search leaves on disk, and going on from there."""

import json
import resource
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import engine_for, made_up

from nasprof.errors import NasprofError
from search.archives.archive import Archive, ArchiveBusy, ArchiveInvalid, ArchiveMismatch
from search.archives.stored import read_archive
from search.engines import engines
from search.runs.run import BATCH, run
from spaces import get_space

SPACE = get_space("nasbench201")
PROBLEM = made_up(SPACE, 0.5)
FACTS = {"engine": "local", "seed": 1}


def searched(path, engine="local", evaluations=300, facts=FACTS, problem=PROBLEM, **options):
    with Archive(problem, facts, path, **options) as archive:
        run(engine_for(engine, problem, 1), archive, evaluations)
    return archive


def changed(problem, **changes):
    """The problem with another first objective."""
    first, *others = problem.objectives
    return replace(problem, objectives=(replace(first, **changes), *others))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory):
    """A search without interruption, as bytes."""
    path = tmp_path_factory.mktemp("whole") / "a.jsonl"
    searched(path)
    return path.read_bytes()


@settings(max_examples=25)
@given(place=st.integers(0, 10**6))
@pytest.mark.no_cover
def test_truncated_anywhere_a_search_ends_as_if_never_interrupted(place, whole, tmp_path_factory):
    path = tmp_path_factory.mktemp("cut") / "a.jsonl"
    path.write_bytes(whole[: place % (len(whole) + 1)])
    searched(path)
    assert path.read_bytes() == whole


def test_what_is_there_is_not_evaluated_again(tmp_path):
    searched(tmp_path / "a.jsonl", evaluations=200)
    evaluated = []

    def counting(genes):
        evaluated.extend(genes.tolist())
        return PROBLEM.objectives[0].function(genes)

    archive = searched(tmp_path / "a.jsonl", problem=changed(PROBLEM, function=counting))
    assert len(archive) == 300
    assert evaluated[-100:] == archive.genes[200:].tolist()
    assert len(evaluated) < 100 + BATCH


@pytest.mark.parametrize("engine", list(engines))
@pytest.mark.no_cover
def test_every_engine_goes_on_from_its_archive(engine, tmp_path):
    problem = made_up(SPACE, 0.5 if engines.get(engine).needs_limit else None)
    given = {"engine": engine, "evaluations": 120, "problem": problem}
    searched(tmp_path / "whole.jsonl", **given)
    expected = (tmp_path / "whole.jsonl").read_bytes()
    # An exact front has fewer.
    searched(tmp_path / "a.jsonl", **{**given, "evaluations": 10 if engine == "exact" else 50})
    begun = (tmp_path / "a.jsonl").read_bytes()
    assert len(begun) < len(expected)
    searched(tmp_path / "a.jsonl", **given)
    assert expected.startswith(begun)
    assert (tmp_path / "a.jsonl").read_bytes() == expected


def test_an_incomplete_last_line_is_repaired_and_said(whole, tmp_path, caplog):
    path = tmp_path / "a.jsonl"
    path.write_bytes(whole[:-5])
    with Archive(PROBLEM, FACTS, path) as archive:
        assert len(archive) == 299
    assert "last line is incomplete" in caplog.text


@pytest.mark.parametrize(
    "damage",
    [
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"genes":[9,0,0,0,0,0],"values":{"top1":1,"macs":1}}',
        b'{"genes":[0,0,0,0,0,0],"values":{"top1":"1","macs":1}}',
        b'{"genes":[0,0],"values":{}}',
        b'{"genes":[0,0,0,0,0,1e99],"values":{"top1":1,"macs":1}}',
        b'{"genes":[0,0,0,0,0,99999999999999999999],"values":{"top1":1,"macs":1}}',
        b'{"genes":[0,0,0,0,0,0],"values":{"top1":1}}',
        b'{"genes":[0,0,0,0,0,0],"values":{"top1":1,"macs":NaN}}',
        b'{"genes":[0,0,0,0,0,0],"values":{"top1":1,"macs":1},"error":5}',
        b'{"genes":[0,0,0,0,0,0],"values":{"top1":1,"macs":1},"place":3}',
        b'{"genes":[0,0,0,0,0,0],"values":{"top1":1,"macs":1},"place":-1}',
        b'{"genes":[0,0,0,0,0,0],"values":{"top1":1,"macs":1},"place":true}',
    ],
)
def test_a_damaged_line_in_the_middle_is_named_and_nothing_lost(whole, tmp_path, damage):
    lines = whole.split(b"\n")
    lines[41] = damage
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(ArchiveInvalid, match="line 42"):
        Archive(PROBLEM, FACTS, path)
    with pytest.raises(ArchiveInvalid, match="line 42"):
        read_archive(path)
    assert path.read_bytes() == b"\n".join(lines)


def test_archives_of_other_searches_are_refused(whole, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(whole)
    others = [
        (PROBLEM, FACTS | {"seed": 2}, "seed was 1, now 2"),
        (PROBLEM, FACTS | {"engine": "evo"}, "engine"),
        (made_up(SPACE, 0.4), FACTS, "limits"),
        (made_up(SPACE), FACTS, "limits"),
        (changed(PROBLEM, unit="points"), FACTS, "objectives"),
        (changed(PROBLEM, kind="evaluated"), FACTS, "objectives"),
        (changed(PROBLEM, facts={"model": "other"}), FACTS, "objectives"),
        (replace(PROBLEM, objectives=PROBLEM.objectives[::-1]), FACTS, "objectives"),
        (made_up(get_space("nasbench201", classes=20), 0.5), FACTS, "space"),
    ]
    for problem, facts, word in others:
        with pytest.raises(ArchiveMismatch, match=word):
            Archive(problem, facts, path)
    assert path.read_bytes() == whole


def test_the_header_tells_what_is_searched_for_and_how(tmp_path):
    problem = changed(PROBLEM, kind="evaluated", facts={"function": "mine:top1"})
    with Archive(problem, FACTS, tmp_path / "a.jsonl"):
        pass
    header = json.loads((tmp_path / "a.jsonl").read_text())
    assert header["facts"] == {
        "space": SPACE.settings,
        "objectives": [
            {
                "name": "top1",
                "unit": "%",
                "maximise": True,
                "kind": "evaluated",
                "facts": {"function": "mine:top1"},
            },
            {"name": "macs", "unit": "M", "maximise": False, "kind": "predicted"},
        ],
        "limits": PROBLEM.prediction_limits,
        **FACTS,
    }


@pytest.mark.parametrize("text", ["my notes", "my notes\n", '{"schema": 7}\n', "[]\n"])
def test_a_foreign_file_is_refused_and_left_alone(tmp_path, text):
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(ArchiveInvalid):
        Archive(PROBLEM, FACTS, path)
    assert path.read_text() == text


def test_another_model_under_the_same_name_is_noticed(whole, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(whole)
    with Archive(PROBLEM, FACTS, path) as archive:
        engine = engine_for("random", PROBLEM, 9)
        with pytest.raises(ArchiveMismatch, match="other architectures"):
            run(engine, archive, 300)
    assert path.read_bytes() == whole


def test_two_processes_do_not_share_an_archive(tmp_path):
    with Archive(PROBLEM, FACTS, tmp_path / "a.jsonl"), pytest.raises(ArchiveBusy):
        Archive(PROBLEM, FACTS, tmp_path / "a.jsonl")


def test_begun_afresh(whole, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(whole)
    archive = searched(path, "evo", 100, {"engine": "evo"}, fresh=True)
    assert len(archive) == 100
    assert json.loads(path.read_text().splitlines()[0])["facts"]["engine"] == "evo"


def test_what_could_not_be_evaluated_is_null_and_on_no_front(tmp_path):
    values = np.array([[-1.0, np.nan], [-2.0, 1.0]])
    genes = SPACE.sample(2, np.random.default_rng(0))
    with Archive(made_up(SPACE), {}, tmp_path / "a.jsonl") as archive:
        archive.add(genes, values, ["no such operation", None])
    failed, fine = map(json.loads, (tmp_path / "a.jsonl").read_text().splitlines()[1:])
    assert failed["values"]["macs"] is None
    assert failed["error"] == "no such operation"
    assert "error" not in fine
    with Archive(made_up(SPACE), {}, tmp_path / "a.jsonl") as again:
        assert np.array_equal(again.values, values, equal_nan=True)
        assert again.errors == ["no such operation", None]
        assert again.front[0].tolist() == genes[1:].tolist()


def test_lines_that_were_overtaken_say_their_place(tmp_path):
    path = tmp_path / "a.jsonl"
    genes = SPACE.sample(5, np.random.default_rng(0))
    values = np.arange(10.0).reshape(5, 2)
    with Archive(made_up(SPACE), {}, path) as archive:
        for first, end in ((0, 1), (3, 5), (1, 3)):
            archive.add(genes[first:end], values[first:end], None, first)
    places = [json.loads(line).get("place") for line in path.read_text().splitlines()[1:]]
    assert places == [None, 3, 4, 1, 2]
    with Archive(made_up(SPACE), {}, path) as again:
        assert np.array_equal(again.genes, genes)
        assert np.array_equal(again.values, values)
    assert np.array_equal(read_archive(path).genes, genes)
    assert np.array_equal(read_archive(path).minimised, values)


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file may grow beyond 10 kB, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_a_full_disk_takes_is_whole_and_can_be_gone_on_with(whole, tmp_path, small_files):
    path = tmp_path / "a.jsonl"
    with pytest.raises(NasprofError, match=r"cannot write the archive .*a\.jsonl"):
        searched(path)
    kept = path.read_bytes()
    assert whole.startswith(kept)
    assert kept.endswith(b"\n")
    assert len(kept) > 5000


def test_a_limit_that_is_null_is_none(tmp_path):
    path = tmp_path / "a.jsonl"
    problem = made_up(SPACE)
    with Archive(problem, {}, path):
        pass
    header = json.loads(path.read_text())
    header["facts"]["limits"] = {"top1": None}
    path.write_text(json.dumps(header) + "\n")
    with Archive(problem, {}, path) as archive:
        assert archive.problem.limits == {}
