"""The workspace's scripts, run by this machine's shells where they could do harm."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from devices.adb import workspace
from devices.adb.workspace import Workspace

SHELLS = {
    "sh": ["sh"],
    "bash": ["bash", "--posix"],
    "mksh": ["mksh"],
    "busybox": ["busybox", "sh"],
}
TOKEN = "nasprof-0123456789ab"
OLD_S = 2 * 3600


@pytest.fixture(params=list(SHELLS))
def shell(request: pytest.FixtureRequest) -> Callable[..., object]:
    words = SHELLS[request.param]
    if shutil.which(words[0]) is None:
        pytest.skip(f"there is no {words[0]} here")

    def run(script, folder):
        text = Workspace(None, str(folder))._script(script)
        return subprocess.run(
            [*words, "-c", text], capture_output=True, text=True, timeout=20, check=False
        )

    if run("exit 0\n", "/").returncode:
        pytest.skip(f"{words} runs no scripts here")
    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A work folder whose own name wants quoting."""
    folder = tmp_path / "it's a $(touch pwned) *folder"
    folder.mkdir()
    return folder


def age(path):
    then = time.time() - OLD_S
    os.utime(path, (then, then), follow_symlinks=False)


def make_old(folder, *names):
    for name in names:
        (folder / name).mkdir()
        (folder / name / "file").write_text("x")
        age(folder / name)


FOREIGN = [
    "victim",
    "other",
    "nasprof-old victim",
    "nasprof-g *",
    "nasprof-\nvictim",
    "nasprof-$(rm -rf other)",
    "nasprof-`rm -rf other`",
    "nasprof-notes",
    "nasprof-",
    "nasprof-0123456789abc",
    "nasprof-0123456789a",
    "nasprof-0123456789AB",
    "nasprof-0123456789ab old",
    "nasprof-[0-9a-f]",
    "my-nasprof-0123456789ab",
    "-rf",
]


def test_the_sweep_removes_our_own_old_folders_and_nothing_else(shell, folder):
    make_old(folder, *FOREIGN, TOKEN)
    (folder / "nasprof-00000000000f").mkdir()
    before = sorted(path.name for path in folder.iterdir())
    done = shell(workspace._SWEEP, folder)
    left = sorted(path.name for path in folder.iterdir())
    assert sorted([*left, TOKEN]) == before, done.stderr
    assert all((folder / name / "file").exists() for name in FOREIGN)


def test_the_sweep_follows_no_links_and_removes_no_files(shell, folder):
    make_old(folder, "victim")
    (folder / TOKEN).symlink_to(folder / "victim")
    (folder / "nasprof-00000000000f").write_text("a file")
    age(folder / TOKEN)
    age(folder / "nasprof-00000000000f")
    shell(workspace._SWEEP, folder)
    assert (folder / "victim" / "file").exists()
    assert (folder / TOKEN).is_symlink()
    assert (folder / "nasprof-00000000000f").exists()


def test_a_folder_that_is_in_use_is_not_swept(shell, folder):
    make_old(folder, TOKEN)
    keeper = subprocess.Popen(["sh", "-c", f": {TOKEN}; echo on; read -r _"], stdin=-1, stdout=-1)
    try:
        assert keeper.stdout.readline() == b"on\n"
        shell(workspace._SWEEP, folder)
        assert (folder / TOKEN).is_dir()
    finally:
        keeper.communicate(b"\n")
    shell(workspace._SWEEP, folder)
    assert not (folder / TOKEN).exists()


def test_the_work_folder_may_be_a_link(shell, folder, tmp_path):
    make_old(folder, TOKEN, "victim")
    link = tmp_path / "link"
    link.symlink_to(folder)
    shell(workspace._SWEEP, link)
    assert sorted(path.name for path in folder.iterdir()) == ["victim"]


@pytest.mark.parametrize("script", ["_LOCK", "_UNLOCK", "_REMOVE"])
def test_a_lock_that_is_a_link_is_left_alone_with_what_it_leads_to(shell, folder, script):
    make_old(folder, "victim")
    (folder / "victim" / f"owner.{TOKEN}").write_text("x")
    (folder / "victim" / "owner.letter").write_text("x")
    (folder / "nasprof.lock").symlink_to(folder / "victim")
    done = shell(getattr(workspace, script), folder)
    assert sorted(path.name for path in (folder / "victim").iterdir()) == [
        "file",
        "owner.letter",
        f"owner.{TOKEN}",
    ]
    assert (folder / "nasprof.lock").is_symlink()
    if script == "_LOCK":
        assert done.returncode == workspace._NOT_OURS


@pytest.mark.parametrize("kind", ["file", "dangling"])
def test_a_lock_that_is_no_folder_is_refused(shell, folder, kind):
    lock = folder / "nasprof.lock"
    if kind == "file":
        lock.write_text("mine")
    else:
        lock.symlink_to(folder / "nothing")
    assert shell(workspace._LOCK, folder).returncode == workspace._NOT_OURS
    assert os.path.lexists(lock)
    assert not (folder / "nothing").exists()


def test_the_lock_of_the_dead_is_taken_over_and_other_files_in_it_stay(shell, folder):
    lock = folder / "nasprof.lock"
    lock.mkdir()
    (lock / f"owner.{TOKEN}").symlink_to("/etc/passwd")
    assert shell(workspace._LOCK, folder).returncode == workspace._STALE
    assert not lock.exists()
    done = shell(workspace._LOCK, folder)
    assert done.returncode == workspace._GOT
    for name in ["owner.letter", "owner.nasprof-x *", "owner.*"]:
        lock.joinpath(name).write_text("x")
    assert shell(workspace._LOCK, folder).returncode == workspace._STALE
    assert sorted(path.name for path in lock.iterdir()) == [
        "owner.*",
        "owner.letter",
        "owner.nasprof-x *",
    ]


def test_whoever_holds_the_lock_is_named_in_few_words(shell, folder):
    lock = folder / "nasprof.lock"
    lock.mkdir()
    (lock / f"owner.{TOKEN}").write_text("somebody@host " + "x" * 10_000)
    keeper = subprocess.Popen(["sh", "-c", f": {TOKEN}; echo on; read -r _"], stdin=-1, stdout=-1)
    try:
        assert keeper.stdout.readline() == b"on\n"
        done = shell(workspace._LOCK, folder)
        assert done.returncode == workspace._HELD
        assert done.stdout.startswith("somebody@host x")
        assert len(done.stdout) <= 300
        (lock / f"owner.{TOKEN}").unlink()
        (lock / f"owner.{TOKEN}").symlink_to("/dev/zero")
        done = shell(workspace._LOCK, folder)
        assert (done.returncode, done.stdout) == (workspace._HELD, "")
    finally:
        keeper.communicate(b"\n")
