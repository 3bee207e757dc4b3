"""Going on with a search: after kills at any point, with any executor, whatever failed."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from console import accepted
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import engine_for, made_up
from processes import alive, until
from ray_head import ENVIRONMENT, RayHead
from trade_offs import MOBILE, made_up_accuracy
from whims import Folder, lines, quick, user_folder

from search.archives.archive import Archive
from search.engines import engines, make_engine
from search.executors import evaluate
from search.executors.base import Executor
from search.objectives import objectives
from search.problem import Problem
from search.runs.run import Stop, TooManyFailures, run
from spaces import get_space

SPACE = get_space("nasbench201")

every_engine = pytest.mark.parametrize("engine", list(engines))


class Shuffled(Executor):
    """Finishes jobs in any order."""

    def __init__(self, problem, workers, seed):
        self.problem, self.workers = problem, workers
        self.rng = np.random.default_rng(seed)
        self.jobs = {}

    @classmethod
    def open(cls, problem, workers, address):
        return cls(problem, workers or 1, 0)

    def submit(self, job, genes):
        assert job not in self.jobs
        self.jobs[job] = genes

    def wait(self):
        some = self.rng.permutation(list(self.jobs))[: 1 + self.rng.integers(len(self.jobs))]
        return [(int(job), evaluate(self.problem, self.jobs.pop(job))) for job in some]

    def change_problem(self, problem):
        self.problem = problem

    def close(self):
        self.jobs.clear()


def fickle(problem):
    """The problem with a first objective that fails for a few architectures, in several ways."""
    first, *others = problem.objectives

    def function(genes):
        marks = (genes @ [1, 5, 2, 3, 7, 4]) % 60
        if 0 in marks:
            raise ValueError("no such operation")
        values = first.function(genes)
        values[marks == 1], values[marks == 2] = np.nan, np.inf
        return np.zeros(()) if 3 in marks else values

    return replace(problem, objectives=(replace(first, function=function), *others))


def suited(engine):
    problem = made_up(SPACE, 0.5 if engines.get(engine).seeks_best else None)
    return problem if engine == "exact" else fickle(problem)


def searched(path, problem, engine, evaluations, seed=None, batch=4, **options):
    with Archive(problem, {"engine": engine}, path) as archive:
        executor = None if seed is None else Shuffled(problem, 3, seed)
        made = engine_for(engine, problem, 1)
        run(made, archive, evaluations, batch=batch, executor=executor, **options)
    return archive


# --- the order in which evaluations finish --------------------------------------------------


@every_engine
@pytest.mark.no_cover
def test_what_an_engine_proposes_does_not_depend_on_what_finishes_first(engine, tmp_path):
    problem = suited(engine)
    expected = searched(None, problem, engine, 120)
    for seed in (1, 2):
        path = tmp_path / f"{seed}.jsonl"
        found = searched(path, problem, engine, 120, seed)
        assert np.array_equal(found.genes, expected.genes)
        assert np.array_equal(found.values, expected.values, equal_nan=True)
        assert found.errors == expected.errors
    assert any(found.errors) or engine == "exact"
    assert "place" in path.read_text() or engine == "exact"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory):
    """Searches without interruption, with failures, serially and out of order: as bytes."""
    folder = tmp_path_factory.mktemp("whole")
    found = {}
    for name, seed in (("serial", None), ("shuffled", 7)):
        searched(folder / name, suited("nsga2"), "nsga2", 150, seed)
        found[name] = (folder / name).read_bytes()
    assert b'"error":' in found["serial"]
    assert b'"place":' not in found["serial"]
    assert found["shuffled"].count(b'"place":') > 30
    return found


@settings(max_examples=20)
@given(place=st.integers(0, 10**6), seed=st.none() | st.integers(0, 99))
@pytest.mark.parametrize("kind", ["serial", "shuffled"])
@pytest.mark.no_cover
def test_truncated_anywhere_it_is_gone_on_with_in_any_way(
    kind, whole, tmp_path_factory, place, seed
):
    folder = tmp_path_factory.mktemp("cut")
    path, expected = folder / "a.jsonl", folder / "b.jsonl"
    path.write_bytes(whole[kind][: place % (len(whole[kind]) + 1)])
    expected.write_bytes(whole["serial"])
    searched(path, suited("nsga2"), "nsga2", 150, seed)
    assert lines(path) == lines(expected)
    if kind == "serial" and seed is None:
        assert path.read_bytes() == whole["serial"]


def test_what_is_cut_off_is_all_that_is_evaluated_again(whole, tmp_path):
    path = tmp_path / "a.jsonl"
    kept = whole["shuffled"].split(b"\n")[:-40]
    path.write_bytes(b"\n".join(kept) + b"\n")
    problem = suited("nsga2")
    first, *others = problem.objectives
    evaluated = []

    def watched(genes):
        evaluated.extend(genes.tolist())
        return first.function(genes)

    problem = replace(problem, objectives=(replace(first, function=watched), *others))
    archive = searched(path, problem, "nsga2", 150)
    held = {tuple(json.loads(line)["genes"]) for line in kept[1:]}
    new = {tuple(row) for row in archive.genes.tolist()} - held
    assert len(new) == 39
    # Of jobs that were torn apart the whole is evaluated, so that no digit differs.
    assert new <= {tuple(row) for row in evaluated}
    assert len({tuple(row) for row in evaluated}) < 39 + 3 * 4


# --- when it ends ---------------------------------------------------------------------------


def in_memory(problem, stop, engine="random", **options):
    archive = Archive(problem)
    reason = run(engine_for(engine, problem), archive, stop, **options)
    return archive, reason


def test_all_evaluations_made_is_no_reason_to_be_told():
    archive, reason = in_memory(made_up(SPACE), Stop(100))
    assert (len(archive), reason) == (100, None)


def test_no_time_left_ends_it():
    archive, reason = in_memory(made_up(SPACE), Stop(10**9, seconds=0.2), batch=1)
    assert len(archive) > 0
    assert reason == "0.2 s are over"


def test_a_front_that_stays_as_it_is_ends_it():
    """The first is best in everything, and all the others are worse."""
    problem = made_up(SPACE)
    best = replace(problem.objectives[1], name="first", function=lambda genes: genes.sum(1) > 0)
    problem = Problem(SPACE, (best,))
    first = np.zeros((1, 6), np.int8)
    engine = make_engine("random").setup(problem, np.random.default_rng(0), first)
    archive = Archive(problem)
    reason = run(engine, archive, Stop(1000, patience=30), batch=1)
    assert len(archive) == 31
    assert reason == "the last 30 evaluations did not change the front"


def test_progress_on_the_front_is_waited_for(tmp_path):
    problem = made_up(SPACE)
    stop = Stop(2000, patience=40)
    expected, reason = in_memory(problem, stop, "nsga2", batch=1)
    assert 70 < len(expected) < 2000
    assert "did not change the front" in reason
    values = expected.values
    fronts = []
    for count in range(len(values) - 41, len(values) + 1):
        archive = Archive(problem)
        archive.add(expected.genes[:count], values[:count])
        fronts.append(archive.front[1])
    assert all(np.array_equal(each, fronts[-1]) for each in fronts[1:])
    assert not np.array_equal(fronts[0], fronts[1])
    # Begun, killed and gone on with, it ends there as well.
    path = tmp_path / "a.jsonl"
    for evaluations in (70, 2000):
        with Archive(problem, {}, path) as archive:
            again = Stop(evaluations, patience=40)
            run(engine_for("nsga2", problem), archive, again, batch=1)
    assert np.array_equal(archive.genes, expected.genes)


@pytest.mark.parametrize("engine", ["nsga2", "evo", "random"])
@pytest.mark.parametrize("workers", [2, 5, 16])
@pytest.mark.no_cover
def test_patience_ends_a_search_where_one_worker_would_end_it(engine, workers, tmp_path):
    """Whatever finishes first: as much is evaluated, and the reason is the same."""
    problem, stop = fickle(made_up(SPACE)), Stop(2000, patience=30)
    expected, reason = in_memory(problem, stop, engine, batch=3)
    assert 60 < len(expected) < 1500
    assert "did not change the front" in reason
    for seed in range(3):
        path = tmp_path / f"{seed}.jsonl"
        with Archive(problem, {}, path) as archive:
            executor = Shuffled(problem, workers, seed)
            made = engine_for(engine, problem)
            assert run(made, archive, stop, batch=3, executor=executor) == reason
        assert np.array_equal(archive.genes, expected.genes)
        assert np.array_equal(archive.values, expected.values, equal_nan=True)
        assert len(lines(path)[1]) == len(expected)


def test_patience_leaves_no_worker_idle_while_there_is_some_left():
    problem = made_up(SPACE)
    at_work = []

    class Watched(Shuffled):
        def wait(self):
            at_work.append(len(self.jobs))
            return super().wait()

    executor = Watched(problem, 4, 0)
    in_memory(problem, Stop(400, patience=200), batch=1, executor=executor)
    assert np.mean(at_work[:50]) == 4


def test_an_engine_at_its_end_is_told():
    archive, reason = in_memory(made_up(SPACE), Stop(10**6), "exact")
    assert 0 < len(archive) < 1000
    assert reason == "the engine has nothing more to propose"


# --- failures -------------------------------------------------------------------------------


def always(problem):
    """The problem with a first objective that always fails."""
    first, *others = problem.objectives

    def function(genes):
        raise ValueError("no GPU is idle")

    return replace(problem, objectives=(replace(first, function=function), *others))


@pytest.mark.parametrize("failures", [0, 5, 20])
def test_too_many_failures_end_it_with_the_first_traceback(failures, tmp_path):
    problem = always(made_up(SPACE))
    path = tmp_path / "a.jsonl"
    with Archive(problem, {}, path) as archive, pytest.raises(TooManyFailures) as caught:
        run(engine_for("random", problem), archive, Stop(500, failures=failures), batch=1)
    assert len(archive) == failures + 1
    said = caught.value.message
    assert f"{failures + 1} of {failures + 1} architectures could not be evaluated" in said
    assert "objective 'top1' raised ValueError: no GPU is idle" in said
    assert "in function\n    raise ValueError" in said
    assert len(lines(path)[1]) == failures + 1


def test_failures_are_counted_as_they_were_proposed():
    """With several workers as with one: the same number, and the same first one."""
    problem = made_up(SPACE)
    first, *others = problem.objectives

    def function(genes):
        if (genes[:, 0] < 3).any():
            raise ValueError(f"no weights for {genes.tolist()}")
        return first.function(genes)

    problem = replace(problem, objectives=(replace(first, function=function), *others))
    said = []
    for executor in (None, *(Shuffled(problem, 6, seed) for seed in range(4))):
        with pytest.raises(TooManyFailures) as caught:
            in_memory(problem, Stop(500, failures=7), batch=1, executor=executor)
        said.append(caught.value.message)
    assert said[0].startswith("8 of ")
    assert said.count(said[0]) == 5


def test_a_quarter_may_fail_however_many_that_are():
    problem = made_up(SPACE)
    first, *others = problem.objectives

    def function(genes):
        fate = genes[:, 0] == 0  # one in five
        return np.where(fate, np.nan, first.function(genes))

    problem = replace(problem, objectives=(replace(first, function=function), *others))
    archive, reason = in_memory(problem, Stop(1000, failures=20))
    failed = sum(error is not None for error in archive.errors)
    assert reason is None
    assert 150 < failed < 250
    assert np.isnan(archive.values[archive.genes[:, 0] == 0]).all()
    assert (archive.front[0][:, 0] > 0).all()


def test_failures_are_kept_and_not_tried_again(tmp_path):
    path = tmp_path / "a.jsonl"
    problem = suited("nsga2")
    begun = searched(path, problem, "nsga2", 100)
    failed = [row for row, error in zip(begun.genes.tolist(), begun.errors, strict=True) if error]
    assert len(failed) > 2
    tried = []
    first, *others = problem.objectives

    def watched(genes):
        tried.extend(genes.tolist())
        return first.function(genes)

    watching = replace(problem, objectives=(replace(first, function=watched), *others))
    archive = searched(path, watching, "nsga2", 140)
    assert archive.errors[:100] == begun.errors
    assert len(tried) >= 40
    assert not any(row in tried for row in failed)


# --- values that are known ------------------------------------------------------------------


def test_what_is_known_is_not_evaluated_but_kept():
    problem = made_up(SPACE)
    other, _ = in_memory(problem, Stop(120))
    rows = zip(other.genes[::3], 0.5 * other.values[::3], strict=True)
    known = {row.tobytes(): value for row, value in rows}
    tried = []
    first, *others = problem.objectives

    def watched(genes):
        tried.extend(genes.tolist())
        return first.function(genes)

    watching = replace(problem, objectives=(replace(first, function=watched), *others))
    archive, _ = in_memory(watching, Stop(120), batch=1, known=known)
    used = [row.tobytes() in known for row in archive.genes]
    assert 0 < sum(used) <= len(known)
    assert len(tried) == 120 - sum(used)
    expected = [
        known.get(row.tobytes(), value)
        for row, value in zip(archive.genes, problem.values(archive.genes), strict=True)
    ]
    np.testing.assert_array_equal(archive.values, expected)


# --- processes that are killed --------------------------------------------------------------

REGISTERED = "import own_whims; own_whims.register(); from search.cli import main; main()"


def command(engine, folder="kept"):
    """Sixty evaluations, one by one, past the beginnings of the engine."""
    sought = ("--objectives", "top1,macs")
    if engine == "exact":
        sought = ("--accuracy", "mobile.npz", "--space", "ofa-mbv3", "--objectives", "top1,counted")
    elif engines.get(engine).seeks_best:
        sought = (*sought, "--budget", "macs=100M")
    common = ("--engine", engine, "--evals", 60, "--seed", 3, "-o", folder, "--json")
    return (*common, *sought, *quick(engine))


def kill(engine, path):
    """A real process that is killed while it evaluates the 35th architecture or so."""
    folder = Folder(path)
    if engine == "exact":
        made_up_accuracy(MOBILE, "mobile").as_arrays().write(path / "mobile.npz")
    folder.stall("all", 35)
    code = {"exact": {"code": REGISTERED}}.get(engine, {})
    process = folder.begin(*command(engine), **code)
    until(lambda: folder.stalled, process)
    process.kill()
    process.communicate()
    folder.forget()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory):
    """The folder of each engine, whose search was killed; two at a time."""
    folders = {engine: tmp_path_factory.mktemp(engine) for engine in engines}
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(kill, folders.keys(), folders.values()))
    return folders


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with user_folder(tmp_path, monkeypatch) as made:
        yield made


@every_engine
def test_killed_and_gone_on_with_it_is_as_if_never_interrupted(engine, killed, monkeypatch):
    with user_folder(killed[engine], monkeypatch) as folder:
        if engine == "exact":
            monkeypatch.setattr(objectives, "_entries", dict(objectives._entries))
            monkeypatch.syspath_prepend(str(folder.path))
            __import__("own_whims").register()
        (path,) = (folder.path / "kept").iterdir()
        held = len(lines(path)[1])
        assert 20 < held < 40
        resumed = accepted(folder.run(*command(engine)))
        if engine != "exact":  # which needs some values before it proposes anything
            assert len(folder.calls) == 60 - held
        whole = accepted(folder.run(*command(engine, "whole")))
        assert resumed == whole
        assert whole["evaluations"] == 60
        assert path.read_bytes() == (folder.path / "whole" / path.name).read_bytes()


# --- executors ------------------------------------------------------------------------------


def spread(*how, engine="nsga2", evaluations=60):
    common = ("--engine", engine, "--objectives", "top1,macs", *quick(engine), "--json")
    return (*common, "--evals", evaluations, *(("--executor", *how) if how else ()))


@pytest.fixture
def serial(folder):
    """What is found and kept one after the other."""
    found = accepted(folder.run(*spread(), "-o", "serial"))
    (path,) = (folder.path / "serial").iterdir()
    folder.forget()
    return found, path


def kept(folder, name):
    (path,) = (folder.path / name).iterdir()
    return path


@pytest.mark.parametrize("workers", [2, 3])
def test_processes_find_the_same(folder, serial, workers):
    found = accepted(folder.run(*spread("processes", "--workers", workers), "-o", "kept"))
    assert found == serial[0]
    assert lines(kept(folder, "kept")) == lines(serial[1])
    assert len(folder.calls) == 60


@contextmanager
def killing_one(folder):
    """Kills the worker that stalls, as soon as it does."""

    def act():
        until(lambda: folder.stalled)
        os.kill(folder.stalled[0], signal.SIGKILL)

    folder.stall("one", 25)
    thread = Thread(target=act)
    thread.start()
    yield
    thread.join()


def test_a_worker_that_is_killed_loses_nothing(folder, serial):
    with killing_one(folder):
        found = accepted(folder.run(*spread("processes", "--workers", 2), "-o", "kept"))
    assert found == serial[0]
    assert lines(kept(folder, "kept")) == lines(serial[1])
    assert len(folder.calls) == 61
    assert not alive(folder.stalled[0])


def test_ray_finds_the_same_though_a_worker_is_killed(folder, serial, monkeypatch):
    """Costs about 10 s: a Ray is started."""
    if find_spec("ray") is None:
        pytest.skip("RAY IS NOT INSTALLED: nothing was tried on a cluster")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    head = RayHead(2)
    try:
        with killing_one(folder):
            how = ("ray", "--address", head.address, "--workers", 2)
            found = accepted(folder.run(*spread(*how), "-o", "kept"))
    finally:
        head.stop()
    assert found == serial[0]
    assert lines(kept(folder, "kept")) == lines(serial[1])
    assert len(folder.calls) == 61


@pytest.mark.parametrize("how", [(), ("processes", "--workers", 2)])
def test_killed_with_several_at_work_it_is_gone_on_with_by_any_number(folder, serial, how):
    folder.stall("all", 25)
    process = folder.begin(*spread("processes", "--workers", 3), "-o", "kept")
    until(lambda: len(folder.stalled) == 3, process)
    workers = folder.stalled
    process.kill()
    process.communicate()
    until(lambda: not any(alive(pid) for pid in workers))
    held = kept(folder, "kept").read_bytes().count(b"\n") - 1
    assert 20 <= held < 40
    folder.forget()
    found = accepted(folder.run(*spread(*how), "-o", "kept"))
    assert found == serial[0]
    assert lines(kept(folder, "kept")) == lines(serial[1])
    assert len(folder.calls) == 60 - held
