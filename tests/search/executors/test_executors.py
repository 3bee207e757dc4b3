"""Executors as those who search use them: one suite for all, real processes and a real Ray."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import made_up_objectives as made_up
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_objectives import problem_of
from processes import alive, until
from ray_head import ENVIRONMENT, RayHead, free_port
from trade_offs import CELLS

from devices.errors import DeviceError
from nasprof.errors import NasprofError, UsageError
from search.executors import evaluate, executors, open_executor
from search.executors import ray_cluster as ray_executor
from search.problem import Objective, Problem

GENES = np.unique(CELLS.sample(64, np.random.default_rng(0)), axis=0)[:24]
FAIR = problem_of(CELLS, made_up.total, made_up.root)
WAYS = {
    "raises": "raised ValueError: no such operation",
    "exits": "raised SystemExit: no licence",
    "flat": "returned float64 of shape (), expected numbers (1,)",
    "text": "returned <U4 of shape (1,), expected numbers (1,)",
    "nan": "returned nan",
    "inf": "returned inf",
}


@pytest.fixture(scope="module")
def head():
    """A Ray cluster with four CPUs."""
    if find_spec("ray") is None:
        pytest.skip("RAY IS NOT INSTALLED: nothing was tried on a cluster")
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        started = RayHead(4)
        yield started
        started.stop()


@pytest.fixture(params=list(executors))
def opened(request: pytest.FixtureRequest) -> Callable[..., object]:
    """Opens the executor that the suite is run with."""

    def open_it(problem, workers=2):
        if request.param == "serial":
            return open_executor("serial", problem)
        address = request.getfixturevalue("head").address if request.param == "ray" else None
        return open_executor(request.param, problem, workers=workers, address=address)

    return open_it


pools = pytest.mark.parametrize("opened", ["processes", "ray"], indirect=True)


def done(executor):
    """All that is outstanding, by job."""
    found = {}
    while finished := executor.wait():
        for job, evaluation in finished:
            assert job not in found
            found[job] = evaluation
    return found


@contextmanager
def meanwhile(action, condition):
    """Do something in a thread as soon as it is time for it."""

    def act():
        until(condition)
        action()

    thread = threading.Thread(target=act)
    thread.start()
    yield
    thread.join()


# --- every executor -------------------------------------------------------------------------


def test_every_job_comes_back_with_its_values(opened):
    jobs = {job: GENES[3 * job : 3 * job + 3] for job in range(8)}
    found = {}
    with opened(FAIR) as executor:
        assert executor.wait() == []
        for job in range(7):
            executor.submit(job, jobs[job])
        first = executor.wait()
        executor.submit(7, jobs[7])
        found = dict(first) | done(executor)
        assert executor.wait() == []
    assert first
    assert sorted(found) == list(range(8))
    for job, evaluation in found.items():
        np.testing.assert_array_equal(evaluation.values, FAIR.values(jobs[job]), strict=True)
        assert evaluation.errors == (None,) * 3
        assert evaluation.traceback is None


def test_only_the_guilty_fail_and_say_why(opened):
    ways = {row.tobytes(): way for row, way in zip(GENES[2::3], WAYS, strict=False)}
    problem = problem_of(CELLS, made_up.total, made_up.Picky(ways))
    with opened(problem) as executor:
        executor.submit(0, GENES[:18])
        executor.submit(1, GENES[18:])
        found = done(executor)
    why = [f"objective 'made-up-1' {text}" for text in WAYS.values()]
    assert found[0].errors == tuple(part for text in why for part in (None, None, text))
    guilty = np.array([error is not None for error in found[0].errors])
    assert np.isnan(found[0].values[guilty]).all()
    np.testing.assert_array_equal(found[0].values[~guilty], FAIR.values(GENES[:18])[~guilty])
    np.testing.assert_array_equal(found[1].values, FAIR.values(GENES[18:]))
    assert "in spoilt" in found[0].traceback
    assert found[0].traceback.endswith("ValueError: no such\n  operation\n")
    assert found[1].traceback is None


def test_a_lost_device_is_no_failure_of_an_architecture(opened):
    with opened(problem_of(CELLS, made_up.lost)) as executor:
        executor.submit(0, GENES[:2])
        with pytest.raises(DeviceError, match="the phone is gone") as caught:
            executor.wait()
    assert caught.value.remedy == "Plug it in."


def test_what_objectives_print_is_no_result(opened, capfd):
    with opened(problem_of(CELLS, made_up.loud)) as executor:
        executor.submit(0, GENES[:2])
        assert done(executor)[0].errors == (None, None)
    printed = capfd.readouterr().out
    assert "so it seems" not in printed


@pytest.mark.parametrize("opened", ["serial", "processes"], indirect=True)
def test_what_objectives_print_is_seen_though_workers_are_killed(opened, capfd, monkeypatch):
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    with opened(problem_of(CELLS, made_up.loud)) as executor:
        executor.submit(0, GENES[:2])
        done(executor)
    assert "so it seems" in capfd.readouterr().err


def test_closing_twice_does_nothing(opened):
    executor = opened(FAIR)
    executor.submit(0, GENES)
    executor.close()
    executor.close()


def test_the_same_workers_take_another_problem(opened, tmp_path):
    other = problem_of(CELLS, made_up.Slow(tmp_path, 0), made_up.root, made_up.total)
    with opened(problem_of(CELLS, made_up.Slow(tmp_path, 0))) as executor:
        for job in range(6):
            executor.submit(job, GENES[4 * job : 4 * job + 4])
        with pytest.raises(RuntimeError, match="6 jobs are outstanding"):
            executor.change_problem(FAIR)
        done(executor)
        before = set(made_up.pids(tmp_path))
        for problem in (FAIR, other):
            executor.change_problem(problem)
            for job in range(6):
                executor.submit(job, GENES[4 * job : 4 * job + 4])
            for job, evaluation in done(executor).items():
                expected = problem.values(GENES[4 * job : 4 * job + 4])
                np.testing.assert_array_equal(evaluation.values, expected, strict=True)
    # One of them may have had nothing to do at first. Whoever expects values is a worker, too.
    workers = set(made_up.pids(tmp_path)) - {os.getpid()}
    assert before - {os.getpid()} <= workers
    assert len(workers) <= 2


@pools
def test_a_worker_that_dies_before_another_problem_is_replaced(opened, tmp_path):
    with opened(problem_of(CELLS, made_up.Slow(tmp_path, 0)), workers=1) as executor:
        executor.submit(0, GENES[:2])
        done(executor)
        [pid] = made_up.pids(tmp_path)
        os.kill(pid, signal.SIGKILL)
        until(lambda: not alive(pid))
        executor.change_problem(FAIR)
        executor.submit(0, GENES[:2])
        found = done(executor)
    np.testing.assert_array_equal(found[0].values, FAIR.values(GENES[:2]))


@pools
def test_another_problem_that_workers_cannot_load_is_an_error(opened):
    with opened(FAIR) as executor:
        executor.submit(0, GENES[:2])
        done(executor)
        executor.change_problem(problem_of(CELLS, made_up.Unloadable(made_up.refuse)))
        executor.submit(0, GENES)
        with pytest.raises(NasprofError, match="ImportError: no module named elsewhere"):
            executor.wait()


@pools
def test_what_workers_spend_is_told(opened):
    with opened(problem_of(CELLS, made_up.total), workers=1) as executor:
        executor.submit(0, GENES[:2])
        first = done(executor)[0].cpu_s
        executor.submit(0, GENES[:2])
        assert 0 <= done(executor)[0].cpu_s < first  # starting takes more than adding up


# --- workers that die -----------------------------------------------------------------------


@pools
def test_a_worker_that_is_killed_loses_nothing(opened, tmp_path):
    def kill():
        os.kill(made_up.pids(tmp_path)[0], signal.SIGKILL)

    # Nothing is done before there are three: the two there are at first, and one instead.
    with opened(problem_of(CELLS, made_up.Together(tmp_path, 3))) as executor:
        for job in range(6):
            executor.submit(job, GENES[4 * job : 4 * job + 4])
        with meanwhile(kill, lambda: made_up.pids(tmp_path)):
            found = done(executor)
    assert sorted(found) == list(range(6))
    for job, evaluation in found.items():
        expected = made_up.total(GENES[4 * job : 4 * job + 4])
        np.testing.assert_array_equal(evaluation.values[:, 0], expected)
    assert len(made_up.pids(tmp_path)) == 3


@pools
@pytest.mark.parametrize("times", [1, 2])
def test_what_a_worker_died_of_is_tried_again(opened, tmp_path, times):
    problem = problem_of(CELLS, made_up.Deadly(tmp_path, GENES[1].tobytes(), times))
    with opened(problem) as executor:
        executor.submit(0, GENES[:3])
        executor.submit(1, GENES[3:6])
        found = done(executor)
    assert len(made_up.pids(tmp_path)) == times
    for job, genes in enumerate((GENES[:3], GENES[3:6])):
        assert found[job].errors == (None,) * 3
        np.testing.assert_array_equal(found[job].values[:, 0], made_up.total(genes))


@pools
def test_an_architecture_that_ends_every_worker_fails_alone(opened, tmp_path):
    problem = problem_of(CELLS, made_up.Deadly(tmp_path, GENES[1].tobytes(), 99))
    with opened(problem) as executor:
        executor.submit(0, GENES[1:2])
        executor.submit(1, GENES[:3])
        executor.submit(2, GENES[3:6])
        found = done(executor)
    died = "the worker died twice while evaluating it"
    assert [found[job].errors for job in range(3)] == [(died,), (None, died, None), (None,) * 3]
    assert np.isnan(found[0].values).all()
    np.testing.assert_array_equal(found[1].values[::2, 0], made_up.total(GENES[:3])[::2])
    np.testing.assert_array_equal(found[2].values[:, 0], made_up.total(GENES[3:6]))


@pools
def test_ctrl_c_leaves_no_worker(opened, tmp_path):
    def interrupt():
        os.kill(os.getpid(), signal.SIGINT)

    with (
        pytest.raises(KeyboardInterrupt),
        opened(problem_of(CELLS, made_up.Slow(tmp_path, 3600))) as executor,
        meanwhile(interrupt, lambda: len(made_up.pids(tmp_path)) == 2),
    ):
        executor.submit(0, GENES[:2])
        executor.submit(1, GENES[2:4])
        executor.wait()
    workers = made_up.pids(tmp_path)
    assert len(workers) == 2
    until(lambda: not any(alive(pid) for pid in workers))


@pools
def test_a_problem_that_workers_cannot_load_is_an_error(opened):
    with opened(problem_of(CELLS, made_up.Unloadable(made_up.refuse))) as executor:
        executor.submit(0, GENES)
        with pytest.raises(NasprofError, match="ImportError: no module named elsewhere"):
            executor.wait()


@pools
def test_workers_that_end_while_they_start_are_an_error(opened):
    with opened(problem_of(CELLS, made_up.Unloadable(os._exit))) as executor:
        executor.submit(0, GENES)
        with pytest.raises(NasprofError, match="3 workers in a row ended while they started"):
            executor.wait()


def test_what_a_dead_worker_started_ends_with_it(tmp_path):
    problem = problem_of(CELLS, made_up.Survived(tmp_path))
    with open_executor("processes", problem, workers=1) as executor:
        executor.submit(0, GENES[:2])
        assert done(executor)[0].errors == (None, None)
        [survivor] = made_up.pids(tmp_path)
        until(lambda: not alive(survivor))


ORPHANING = """
import os, signal, sys, threading
from pathlib import Path
import numpy as np
from made_up_objectives import Slow, pids, problem_of
from processes import until
from search.executors import open_executor
from trade_offs import CELLS

folder = Path(sys.argv[1])
executor = open_executor("processes", problem_of(CELLS, Slow(folder, 3600)), workers=2)
genes = CELLS.sample(4, np.random.default_rng(0))
executor.submit(0, genes[:2])
executor.submit(1, genes[2:])
threading.Thread(target=executor.wait, daemon=True).start()
until(lambda: len(pids(folder)) == 2)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_workers_end_with_the_process_that_started_them(tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", ORPHANING, tmp_path]
    ended = subprocess.run(command, env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    until(lambda: not any(alive(pid) for pid in made_up.pids(tmp_path)))


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["processes", "ray"])
def test_what_cannot_be_pickled_is_named(name):
    with pytest.raises(UsageError, match="objective 'made-up-1' cannot be given to other proc"):
        open_executor(name, problem_of(CELLS, made_up.total, lambda genes: genes.sum(1)))


def test_functions_of_the_script_that_runs_are_refused(monkeypatch):
    monkeypatch.setattr(made_up.root, "__module__", "__main__")
    with pytest.raises(UsageError, match="root is defined in the script that runs"):
        open_executor("processes", FAIR)


@pytest.mark.parametrize("name", ["processes", "ray"])
def test_devices_are_of_one_process_alone(name):
    problem = problem_of(CELLS, made_up.total, device="pixel")
    with pytest.raises(UsageError, match=r"'made-up-0' is measured on 'pixel'[\s\S]*serial"):
        open_executor(name, problem, workers=1)


def test_an_unknown_executor_is_refused():
    with pytest.raises(UsageError, match=r"no executor is called 'rai'\s+Did you mean ray"):
        open_executor("rai", FAIR)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("processes", {"workers": 0}, "0 workers, expected at least 1"),
        ("serial", {"workers": 2}, "one job at a time, not 2"),
        ("processes", {"address": "127.0.0.1:6379"}, r"no address\s+Executors for clusters: ray"),
        ("ray", {"address": "somewhere"}, "'somewhere' is no address of a Ray cluster"),
        ("ray", {"address": "somewhere:99999"}, "is no address of a Ray cluster"),
        ("ray", {"address": "ray://somewhere:10001"}, "is no address of a Ray cluster"),
    ],
)
def test_settings_that_make_no_sense_are_refused(name, settings, message):
    with pytest.raises(UsageError, match=message):
        open_executor(name, FAIR, **settings)


# --- Ray ------------------------------------------------------------------------------------


def test_ray_that_is_not_installed_is_asked_for(monkeypatch):
    monkeypatch.setattr(ray_executor, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'nasprof\[ray\]'"):
        open_executor("ray", FAIR)


def test_nobody_at_the_address_is_an_error():
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(NasprofError, match=f"{address} cannot be used: nobody answers there"):
        open_executor("ray", FAIR, address=address)


def test_something_else_at_the_address_is_an_error(monkeypatch, head):
    monkeypatch.setattr(ray_executor, "CONNECT_S", 3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(NasprofError, match="cannot be used: no answer within 3 s"):
            open_executor("ray", FAIR, address=address)


def test_a_cluster_without_a_free_cpu_is_an_error(monkeypatch, head, tmp_path):
    everywhere = problem_of(CELLS, made_up.Together(tmp_path, 4))
    with (
        open_executor("ray", everywhere, address=head.address) as greedy,
        open_executor("ray", FAIR, address=head.address) as other,
    ):
        assert greedy.workers == 4
        for job in range(4):
            greedy.submit(job, GENES[:1])
        assert len(done(greedy)) == 4
        monkeypatch.setattr(ray_executor, "START_S", 1)
        other.submit(0, GENES[:1])
        with pytest.raises(NasprofError, match="the cluster has no free CPU"):
            other.wait()


def test_a_head_that_is_gone_is_an_error(head, tmp_path):
    """Costs about 15 s: a cluster of its own is started, and stopped as by a power cut."""
    own = RayHead(2)
    problem = problem_of(CELLS, made_up.Slow(tmp_path, 3600))
    try:
        with open_executor("ray", problem, address=own.address) as executor:
            executor.submit(0, GENES[:1])
            executor.submit(1, GENES[1:2])
            with (
                meanwhile(own.stop, lambda: len(made_up.pids(tmp_path)) == 2),
                pytest.raises(NasprofError, match=f"at {own.address} is gone") as caught,
            ):
                executor.wait()
    finally:
        if own.process.returncode is None:
            own.stop()
    assert "run the same command again" in caught.value.remedy


def test_a_ray_of_its_own_leaves_nothing(head, monkeypatch, tmp_path):
    """Costs about 10 s: a Ray is started and stopped."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with open_executor("ray", FAIR, workers=2) as executor:
        folder = str(executor._folder)
        # Ray opens its own folder to everybody.
        assert stat.S_IMODE(executor._folder.stat().st_mode) == 0o700
        assert ray_processes(folder)
        for job in range(4):
            executor.submit(job, GENES[job : job + 2])
        found = done(executor)
    for job, evaluation in found.items():
        np.testing.assert_array_equal(evaluation.values, FAIR.values(GENES[job : job + 2]))
    assert executor.workers == 2
    assert sorted(found) == list(range(4))
    assert not Path(folder).exists()
    until(lambda: not ray_processes(folder))
    assert not list(tmp_path.iterdir())


def ray_processes(folder):
    """Those whose command line has the folder in it."""
    listed = subprocess.run(["ps", "-wweo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if folder in line]


# --- evaluating -----------------------------------------------------------------------------


@given(st.dictionaries(st.integers(0, 11), st.sampled_from(list(WAYS))), st.booleans())
def test_whatever_fails_spoils_nothing_else(ways, maximise):
    picky = made_up.Picky({GENES[row].tobytes(): way for row, way in ways.items()})
    objectives = (Objective("a", "", picky, maximise), Objective("b", "", made_up.total))
    found = evaluate(Problem(CELLS, objectives), GENES[:12])
    assert {row for row, error in enumerate(found.errors) if error} == set(ways)
    assert all(WAYS[way] in found.errors[row] for row, way in ways.items())
    assert (found.traceback is not None) == bool({"raises", "exits"} & set(ways.values()))
    fair = [row for row in range(12) if row not in ways]
    expected = Objective("a", "", made_up.root, maximise)
    right = Problem(CELLS, (expected, objectives[1])).values(GENES[:12])
    np.testing.assert_array_equal(found.values[fair], right[fair])
    assert np.isnan(found.values[list(ways)]).all()


def test_the_first_objective_that_fails_is_named():
    picky = made_up.Picky({GENES[0].tobytes(): "nan"})
    found = evaluate(problem_of(CELLS, made_up.total, picky, picky), GENES[:1])
    assert found.errors == ("objective 'made-up-1' returned nan",)


def test_a_batch_that_fails_without_a_culprit_does_not_fail():
    def one_at_a_time(genes):
        if len(genes) > 1:
            raise MemoryError
        return made_up.total(genes)

    found = evaluate(problem_of(CELLS, one_at_a_time), GENES)
    np.testing.assert_array_equal(found.values[:, 0], made_up.total(GENES))
    assert found.errors == (None,) * len(GENES)
    assert found.traceback is None


def test_an_objective_cannot_spoil_the_genes_of_the_next():
    given = GENES[:3].copy()
    found = evaluate(problem_of(CELLS, made_up.greedy, made_up.total), given)
    np.testing.assert_array_equal(found.values, [[0, -each] for each in made_up.total(GENES[:3])])
    np.testing.assert_array_equal(given, GENES[:3])


def test_devices_measure_at_the_same_time_and_each_one_thing_at_a_time():
    meeting = made_up.Meeting(2)
    order = []

    def free(genes):
        order.append(list(meeting.order))
        return made_up.total(genes)

    objectives = [
        Objective(f"{place}-{number}", "ms", meeting.at(place), device=place)
        for number in range(2)
        for place in ("phone", "board")
    ]
    found = evaluate(Problem(CELLS, (*objectives, Objective("free", "", free))), GENES[:1])
    assert found.errors == (None,)
    assert sorted(meeting.order) == ["board", "board", "phone", "phone"]
    assert order == [[]]


def test_a_device_lost_beside_others_stops_the_search():
    objectives = (
        Objective("lost", "ms", made_up.lost, device="phone"),
        Objective("there", "ms", made_up.total, device="board"),
    )
    with pytest.raises(DeviceError, match="the phone is gone"):
        evaluate(Problem(CELLS, objectives), GENES[:1])


def test_nothing_to_evaluate_is_no_error():
    found = evaluate(FAIR, GENES[:0])
    assert found.values.shape == (0, 2)
    assert found.errors == ()
