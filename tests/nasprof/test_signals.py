"""Commands that are ended from outside: real processes, real signals."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from processes import alive, until

from devices import RunSettings
from devices.local import LocalSession
from nasprof import signals
from nasprof.cli import command_line
from nasprof.signals import Terminated, held_back, interruption_behind
from nasprof.temporary import TemporaryFolder

ROOT = Path(__file__).resolve().parents[2]
ENDLESS = "fixed:rounds=100000,runs=5"
ENDING = [signal.SIGTERM, signal.SIGHUP]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


@pytest.fixture
def start(tmp_path: Path, scratch: Path) -> Iterator[Callable[..., object]]:
    """Starts ``python -m MODULE ARGS``; what still runs at the end of the test is killed."""
    processes = []

    def begin(module, *args, ignoring=(), **options):
        environment = {
            **os.environ,
            "TMPDIR": str(scratch),
            "HOME": str(tmp_path),
            "NASPROF_DATA": str(tmp_path / "data"),
            "PYTHONPATH": str(ROOT),
        }

        def prepare():
            for number in ENDING:
                signal.signal(number, signal.SIG_IGN if number in ignoring else signal.SIG_DFL)

        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL}
        process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, args)],
            cwd=tmp_path,
            env=environment,
            text=True,
            preexec_fn=prepare,  # noqa: PLW1509
            **pipes | options,
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.wait()


def children(process):
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(pid) for pid in path.read_text().split()]


def timed(process):
    """The runner's process id, once it has computed for a while."""

    def ticks():
        for pid in children(process):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            if int(fields[11]) > 100:  # a second of CPU time: more than all imports take
                return pid
        return None

    return until(ticks)


@pytest.mark.parametrize("everybody", [False, True])
@pytest.mark.parametrize("number", ENDING)
def test_a_measurement_keeps_its_samples(start, model, scratch, tmp_path, number, everybody):
    saved = tmp_path / "results.jsonl"
    process = start("profiler", "measure", "--model", model, "--protocol", ENDLESS, "--save", saved)
    runner = timed(process)
    if everybody:  # as systemd and scancel do
        os.kill(runner, number)
        time.sleep(0.5)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert stdout == ""
    assert stderr.splitlines()[-1] == f"Error: interrupted by {signal.Signals(number).name}"
    assert "marked where incomplete" in stderr
    record = json.loads(saved.read_text())
    assert record["samples_ms"]
    assert list(scratch.iterdir()) == []
    until(lambda: not alive(runner), limit_s=10)


def test_what_is_ignored_stays_ignored(start, model, tmp_path):
    """As under nohup."""
    process = start(
        "profiler", "measure", "--model", model, "--protocol", ENDLESS, ignoring=[signal.SIGHUP]
    )
    timed(process)
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.send_signal(signal.SIGTERM)
    assert "SIGTERM" in process.communicate(timeout=60)[1]


def test_a_terminal_that_is_lost_loses_no_samples(start, model, scratch, tmp_path):
    """Its other end is closed: every word to it is an error, and SIGHUP comes twice."""
    ours, theirs = pty.openpty()
    saved = tmp_path / "results.jsonl"
    args = ["measure", "--model", model, "--protocol", ENDLESS, "--save", saved]
    process = start("profiler", *args, stdout=theirs, stderr=theirs, stdin=theirs)
    os.close(theirs)
    timed(process)
    os.close(ours)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) == 1
    assert json.loads(saved.read_text())["samples_ms"]
    assert list(scratch.iterdir()) == []


def test_a_build_leaves_nothing_and_is_gone_on_with(start, scratch, tmp_path):
    args = ["build-lut", "--space", "nasbench201", "--protocol", "fixed:runs=2,rounds=2,warmup=0"]
    args += ["--audit", 0, "--calibrate", 0, "-o", tmp_path / "table.json"]
    process = start("profiler", *args)
    until(lambda: any(scratch.glob("nasprof-*/*.onnx")))
    until(lambda: children(process))
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1, stderr
    assert "Traceback" not in stderr
    assert list(scratch.iterdir()) == []
    again = start("profiler", *args)
    _, stderr = again.communicate(timeout=200)
    assert again.returncode == 0, stderr
    assert (tmp_path / "table.json").exists()
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("executor", ["serial", "processes"])
def test_a_search_tells_what_it_found(start, scratch, tmp_path, executor):
    folder = tmp_path / "out"
    process = start(
        "search", "run", "--engine", "random", "--objectives", "macs,params", "--space",
        "nasbench201", "--evals", 10**7, "--executor", executor, "-o", folder, "--json",
    )  # fmt: skip
    until(lambda: any(path.stat().st_size > 2000 for path in folder.glob("*.jsonl")))
    workers = children(process)
    for pid in [*workers, process.pid]:
        os.kill(pid, signal.SIGTERM)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Interrupted" in stderr
    assert "Traceback" not in stderr
    json.loads(stdout)
    assert list(scratch.iterdir()) == []
    until(lambda: not any(map(alive, workers)), limit_s=10)


def test_folders_of_a_killed_process_are_swept_at_the_next_start(start, model, scratch):
    args = ["measure", "--model", model, "--protocol", ENDLESS]
    killed, living = start("profiler", *args), start("profiler", *args)
    runner = timed(killed)
    timed(living)
    before = set(scratch.iterdir())
    killed.kill()
    killed.wait()
    until(lambda: not alive(runner), limit_s=10)
    assert set(scratch.iterdir()) == before, "nobody could clean up"
    quick = start("profiler", "measure", "--model", model, "--protocol", "fixed:runs=2,rounds=2")
    assert quick.wait(100) == 0
    left = set(scratch.iterdir())
    assert left < before
    assert len(left) == len(before) / 2, "those of the living process were to stay"
    living.send_signal(signal.SIGTERM)
    living.communicate(timeout=60)
    assert list(scratch.iterdir()) == []


def test_a_runner_ends_with_its_parent_in_the_middle_of_a_round(tmp_path, model):
    """It would otherwise go on for as long as it was asked to compute."""
    script = f"""
import sys
from pathlib import Path
from devices import RunSettings
from devices.local import LocalSession
session = LocalSession(RunSettings("onnxruntime"))
session.load({{"m": Path({str(model)!r})}})
print(session.pid, flush=True)
session.run_round(["m"], 0, 10**7)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment
    )
    runner = int(process.stdout.readline())
    process.kill()
    process.communicate()
    until(lambda: not alive(runner), limit_s=10)


def test_the_runner_has_its_temporary_files_where_they_are_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with LocalSession(RunSettings("onnxruntime")) as session:
        environment = Path(f"/proc/{session.pid}/environ").read_bytes().split(b"\0")
        assert f"TMPDIR={session._folder.path}".encode() in environment
    assert not session._folder.path.exists()


@pytest.mark.parametrize("module", ["profiler", "search"])
def test_ctrl_c_while_a_command_starts_is_no_traceback(module):
    """At any moment from its first line on; what comes before is the interpreter's."""
    script = f"""
import importlib, os, sys
from {module}.__main__ import main
real = importlib.import_module
def told(name):
    os.write(1, b".")
    return real(name)
importlib.import_module = told
sys.argv = ["{module}", "--help"]
main()
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    said = set()
    for delay_s in (0.0, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.15):
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        assert process.stdout.read(1) == b"."
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
        said.add(stderr.decode())
        assert process.returncode in {0, 1, -signal.SIGINT}
    assert said <= {"", "Error: interrupted\n"}


@pytest.mark.parametrize("module", ["profiler", "search"])
def test_ctrl_c_before_it_is_heeded_is_no_traceback_of_ours(module):
    """In the middle of the first import there is."""
    script = f"""
import sys
class Interrupting:
    def find_spec(name, path, target=None):
        if name == "nasprof.entry":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupting)
from {module}.__main__ import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "Error: interrupted\n")


def test_an_interruption_in_a_destructor_is_not_lost():
    script = """
import os, signal, time
from nasprof.signals import end_as_interrupted
end_as_interrupted()
class Dying:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0)
Dying()
try:
    time.sleep(20)
    print("lost")
except KeyboardInterrupt as error:
    print("raised", error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("raised SIGTERM\n", "")


def test_a_temporary_folder_of_nobody_alive_is_removed_and_no_other(tmp_path):
    mine = TemporaryFolder(parent=tmp_path)
    (mine.path / "a" / "b").mkdir(parents=True)
    script = (
        "import os, sys; from pathlib import Path; from nasprof.temporary import TemporaryFolder; "
        "folder = TemporaryFolder(parent=Path(sys.argv[1])); "
        "(folder.path / 'big').mkdir(); print(folder.path); sys.stdout.flush(); os._exit(9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def dead():
        told = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path)],
            stdout=subprocess.PIPE, text=True, env=environment, check=False,
        )  # fmt: skip
        return Path(told.stdout.strip())

    foreign = tmp_path / "nasprof-of-somebody"
    foreign.mkdir()
    link = tmp_path / "nasprof-link"
    link.symlink_to(foreign)
    first = dead()
    assert first.is_dir()
    second = dead()
    assert second.is_dir()
    assert not first.exists(), "the second was to remove it"
    assert mine.path.is_dir()
    assert foreign.is_dir()
    assert link.is_symlink()
    mine.cleanup()
    mine.cleanup()
    assert not mine.path.exists()


SWALLOWED = """
import os, signal, time
from nasprof.signals import end_as_interrupted
end_as_interrupted()
try:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)
except BaseException:
    pass
try:
    time.sleep(60)
except KeyboardInterrupt as error:
    print("told again:", error)
"""


def test_an_interruption_that_somebody_swallowed_is_told_again():
    done = subprocess.run(
        [sys.executable, "-c", SWALLOWED], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.stdout == "told again: SIGTERM\n", done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_held_back_is_heeded_at_the_end(number):
    reached = []
    before = signal.getsignal(number)
    signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), held_back():
            os.kill(os.getpid(), number)
            reached.append("the end")
        assert reached == ["the end"]
        assert signal.getsignal(number) is signal.default_int_handler
        with held_back():
            reached.append("undisturbed")
    finally:
        signal.signal(number, before)


def test_an_interruption_that_a_library_made_an_error_of_is_told_as_one():
    @command_line("made-up")
    def main():
        """Of no use."""

    @main.command()
    def count():
        try:
            raise Terminated("SIGTERM")
        except KeyboardInterrupt as error:  # as numpy does, while it compares arrays
            raise TypeError("cannot compare") from error

    result = CliRunner().invoke(main, ["count"])
    assert (result.exit_code, result.stderr) == (1, "Error: interrupted by SIGTERM\n")


def test_an_error_after_a_signal_that_a_library_dropped_is_told_as_its(monkeypatch):
    assert interruption_behind(ValueError()) is None
    monkeypatch.setattr(signals, "_arrived", ["SIGHUP"])
    assert interruption_behind(TypeError()) == "interrupted by SIGHUP"
    monkeypatch.setattr(signals, "_heeded", [True])
    assert interruption_behind(TypeError()) is None
