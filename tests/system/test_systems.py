"""Systems without Unix's modules, and file systems without locks."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from devices import host
from nasprof.errors import NasprofError
from nasprof.locking import held_alone, locked, open_alone
from spaces import get_space

# Begins as another system would: the modules that it lacks cannot be imported.
ELSEWHERE = """
import importlib, sys
lacking, platform, module = sys.argv.pop(1).split(","), sys.argv.pop(1), sys.argv.pop(1)
class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name in lacking:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
for name in lacking:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Lacking())
main = importlib.import_module(module).main
import numpy, scipy.stats, click, json, subprocess, tempfile, pathlib, shutil, selectors
if platform:
    importlib.import_module("devices.host").sys = type("sys", (), {"platform": platform})
main()
"""
UNIX = "fcntl,resource,pwd,grp,termios,tty,pty,syslog,readline"
TABLE = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Callable[..., object]:
    def run(*command, platform="", lacking=UNIX):
        module = {"nasprof": "profiler.cli", "nassearch": "search.cli"}[command[0]]
        start = [sys.executable, "-c", ELSEWHERE, lacking, platform, module, *map(str, command[1:])]
        paths = os.pathsep.join([str(Path(__file__).parents[2])])
        environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": paths}
        environment.pop("NASPROF_DATA", None)
        return subprocess.run(
            start,
            check=False,
            capture_output=True,
            text=True,
            timeout=200,
            cwd=tmp_path,
            env=environment,
        )

    return run


@pytest.fixture
def arch(tmp_path: Path) -> Path:
    space = get_space("ofa-mbv3")
    path = tmp_path / "arch.json"
    path.write_text(json.dumps(space.decode(space.sample(1, np.random.default_rng(0)))[0]))
    return path


def done(run):
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_tables_and_predictions_need_none_of_unixs_modules(elsewhere, arch):
    assert TABLE[:12] in done(elsewhere("nasprof", "lut", "list"))
    assert "mbconv" in done(elsewhere("nasprof", "describe", "--arch", arch))
    (told,) = json.loads(
        done(elsewhere("nasprof", "predict", "--lut", TABLE, "--arch", arch, "--json"))
    )
    assert told["latency_ms"] > 0


def test_searches_need_none_of_unixs_modules(elsewhere, tmp_path):
    search = (
        "nassearch",
        "run",
        "--engine",
        "random",
        "--objectives",
        "top1,macs",
        "--evals",
        30,
        "-o",
        "found",
    )
    first = json.loads(done(elsewhere(*search, "--json")))
    assert first, "a front was found"
    (archive,) = (tmp_path / "found").glob("*.jsonl")
    lines = archive.read_text()
    assert json.loads(done(elsewhere(*search, "--json"))) is not None
    assert archive.read_text() == lines, "the same search was gone on with, not begun anew"
    assert not list((tmp_path / "found").glob(".*")), "the lock beside the archive is gone"


def test_fitting_needs_none_of_unixs_modules(elsewhere, tmp_path):
    space = get_space("ofa-mbv3")
    genes = space.sample(60, np.random.default_rng(1))
    pairs = zip(space.to_pnag(genes), space.macs(genes).tolist(), strict=True)
    rows = [f'"{text}",{60 + macs / 5e7}' for text, macs in pairs]
    (tmp_path / "mine.csv").write_text("\n".join(["arch,top1", *rows]))
    done(elsewhere("nassearch", "fit", "mine.csv", "-o", "model.npz"))
    assert (tmp_path / "model.npz").stat().st_size > 1000


@pytest.mark.parametrize(("platform", "name"), [("win32", "Windows"), ("darwin", "macOS")])
def test_measuring_says_what_it_needs(elsewhere, arch, platform, name):
    told = elsewhere("nasprof", "measure", "--arch", arch, platform=platform)
    assert told.returncode == 1
    assert f"measuring on this machine needs Linux, and this is {name}" in told.stderr
    assert "Tables, predictions and searches work here" in told.stderr
    assert "Traceback" not in told.stderr
    assert f"this is {name}" in done(elsewhere("nasprof", "devices", platform=platform)).replace(
        "\n", " "
    ).replace("  ", "")  # fmt: skip


def test_this_machine_can_measure(monkeypatch):
    assert host.cannot_measure() is None
    for platform in ("linux", "linux2", "android"):
        monkeypatch.setattr(host.sys, "platform", platform)
        assert host.cannot_measure() is None


def without(monkeypatch, number):
    """A file system whose locks end with that error."""
    import fcntl

    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.fixture(params=["ENOLCK", "EOPNOTSUPP", "ENOSYS"])
def lockless(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    without(monkeypatch, getattr(errno, request.param))


@pytest.fixture
def anywhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "locks":
        without(monkeypatch, errno.ENOLCK)


ANYWHERE = pytest.mark.parametrize("anywhere", ["locks", "none"], indirect=True)


@ANYWHERE
def test_a_file_is_one_processs_at_a_time(anywhere, tmp_path):
    path = tmp_path / "a.jsonl"
    with open_alone(path) as stream:
        stream.write(b"x\n")
        assert open_alone(path) is None
    with open_alone(path) as again:
        again.seek(0)
        assert again.read() == b"x\n"
    assert [each.name for each in tmp_path.iterdir()] == ["a.jsonl"]


@ANYWHERE
def test_a_lock_that_is_not_given_is_named(anywhere, tmp_path):
    path = tmp_path / "table.json"
    path.write_text("{}")
    with (
        locked(path),
        pytest.raises(NasprofError, match=r"another process has been at work on .* for 0\.1 s"),
        locked(path, wait_s=0.1),
    ):
        pass
    with locked(path):
        path.unlink()


def test_locks_without_locks_end_with_their_process(lockless, tmp_path):
    path = tmp_path / "a.jsonl"
    path.touch()
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                           capture_output=True, text=True, check=True)  # fmt: skip
    marker = tmp_path / ".a.jsonl.held"
    from socket import gethostname

    marker.write_text(f"{gethostname()} {ended.stdout.strip()}")
    with open_alone(path) as stream:
        assert stream is not None, "its holder is dead"
    assert not marker.exists()
    for alive in (f"{gethostname()} 1", "another-machine 1", "", "nonsense"):
        marker.write_text(alive)
        assert open_alone(path) is None
        assert marker.read_text() == alive, "what another process holds is left alone"


@ANYWHERE
def test_what_waits_is_told_and_goes_on(anywhere, tmp_path):
    told = []
    path = tmp_path / "generator.lock"
    holder = open_alone(path)

    def waiting():
        told.append("waiting")
        holder.close()

    with held_alone(path, waiting):
        assert path.exists()
    assert told == ["waiting"]
    assert not list(tmp_path.iterdir())


def test_other_failures_of_a_lock_are_named(monkeypatch, tmp_path):
    without(monkeypatch, errno.EIO)
    path = tmp_path / "a.json"
    path.write_text("{}")
    with pytest.raises(NasprofError, match=r"cannot lock .*: Input/output error"), locked(path):
        pass
    with pytest.raises(OSError, match="Input/output error"):
        open_alone(path)
