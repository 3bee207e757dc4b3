"""Writing files: who may read them, where they really are, and what is in the way."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasprof.errors import NasprofError
from nasprof.files import write_atomic

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def umask():
    """Sets this process's umask until the test is over."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("hidden", [0o022, 0o077, 0o002, 0o027, 0o777])
def test_a_new_file_has_the_permissions_that_the_umask_leaves(tmp_path, umask, hidden):
    umask(hidden)
    write_atomic(tmp_path / "a", b"1")
    (tmp_path / "b").write_bytes(b"1")
    assert mode(tmp_path / "a") == mode(tmp_path / "b") == 0o666 & ~hidden


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o664, 0o755])
def test_a_file_keeps_its_permissions(tmp_path, umask, kept):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(kept)
    umask(0o077)
    write_atomic(path, b"new")
    assert (path.read_bytes(), mode(path)) == (b"new", kept)


def test_nobody_else_may_read_a_private_file_while_it_is_written(tmp_path, umask, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o600)
    seen = []
    monkeypatch.setattr(os, "fsync", lambda handle: seen.append(os.fstat(handle).st_mode & 0o777))
    write_atomic(path, b"new")
    assert seen == [0o600]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="NOT ROOT: gives files away")
def test_a_file_keeps_its_owner(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    os.chown(path, 1234, 5678)
    path.chmod(0o2640)
    write_atomic(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (1234, 5678, 0o2640)


def test_links_stay_and_what_they_lead_to_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "folder").symlink_to("there", target_is_directory=True)
    (tmp_path / "there" / "a").write_bytes(b"old")
    (tmp_path / "one").symlink_to("folder/a")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    (tmp_path / "new").symlink_to("there/further/b")
    write_atomic(tmp_path / "two", b"1")
    write_atomic(tmp_path / "new", b"2")
    assert (tmp_path / "there" / "a").read_bytes() == b"1"
    assert (tmp_path / "there" / "further" / "b").read_bytes() == b"2"
    assert all((tmp_path / name).is_symlink() for name in ("folder", "one", "two", "new"))


def test_a_link_to_itself_is_named(tmp_path):
    (tmp_path / "a").symlink_to("a")
    with pytest.raises(NasprofError, match="symbolic link"):
        write_atomic(tmp_path / "a", b"")


def test_a_name_as_long_as_names_can_be(tmp_path):
    for path in (tmp_path / ("a" * 255), tmp_path / ("ä" * 127)):
        write_atomic(path, b"1")
        assert path.read_bytes() == b"1"
    with pytest.raises(NasprofError, match=r"cannot write .*: File name too long"):
        write_atomic(tmp_path / ("a" * 256), b"1")


def test_a_folder_is_in_the_way(tmp_path):
    for place in (tmp_path, Path("/"), Path()):
        with pytest.raises(NasprofError, match=r"cannot write .*: Is a directory"):
            write_atomic(place, b"")
    assert list(tmp_path.iterdir()) == []


def test_a_pipe_is_written_to_and_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_atomic(pipe, b"through")
    reader.join()
    assert read == [b"through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_devices_stay_what_they_are(tmp_path):
    null, full = tmp_path / "null", tmp_path / "full"
    try:
        os.mknod(null, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(full, stat.S_IFCHR | 0o666, os.makedev(1, 7))
    except PermissionError:
        pytest.skip("NO DEVICES CAN BE MADE HERE: only root may")
    write_atomic(null, b"1")
    with pytest.raises(NasprofError, match=r"cannot write .*full: No space left"):
        write_atomic(full, b"1")
    assert stat.S_ISCHR(null.stat().st_mode)
    assert stat.S_ISCHR(full.stat().st_mode)


def test_standard_output_is_no_file_to_replace():
    code = "import pathlib, nasprof.files as f; f.write_atomic(pathlib.Path('/dev/stdout'), b'1')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=ENVIRONMENT, check=False
    )
    assert (done.stdout, done.returncode) == (b"1", 0), done.stderr


AS_NOBODY = """
import os, sys
from pathlib import Path
from nasprof.errors import NasprofError
from nasprof.files import write_atomic
os.setgid(65534)
os.setuid(65534)
for name in sys.argv[1:]:
    try:
        write_atomic(Path(name), b"new")
    except NasprofError as error:
        print(error.message)
"""


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that other users reach, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="NOT ROOT: becomes nobody")
def test_what_may_not_be_written_is_named_and_stays(reachable):
    open_folder, closed = reachable / "open", reachable / "closed"
    for folder in (open_folder, closed):
        folder.mkdir()
        (folder / "a").write_bytes(b"old")
        (folder / "a").chmod(0o644)
    open_folder.chmod(0o777)
    names = [str(open_folder / "a"), str(closed / "a"), str(closed / "b"), str(closed / "c" / "d")]
    done = subprocess.run(
        [sys.executable, "-B", "-c", AS_NOBODY, *names],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    said = done.stdout.splitlines()
    assert len(said) == 4, done.stderr
    for line, name in zip(said, names, strict=True):
        assert line.startswith("cannot write ")
        assert line.endswith(": Permission denied"), name
    assert (open_folder / "a").read_bytes() == (closed / "a").read_bytes() == b"old"
    assert [path.name for path in open_folder.iterdir()] == ["a"]
