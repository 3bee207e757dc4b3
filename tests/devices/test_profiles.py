"""Device profiles as they lie in people's folders: one that is bad spoils nothing else."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from devices import find_profile, open_device
from devices.profile_files import MAX_BYTES
from nasprof.errors import NasprofError, UsageError
from profiler.cli import main

SHIPPED = {"android", "cpu", "gpu", "pixel"}
CPU = b'kind = "cpu"\n'
BAD = {
    "latin-1": (CPU + b'description = "Messger\xe4t"', "is no UTF-8 (byte 35)"),
    "resource-fork": (b"\0\5\x16\7\0\2\0\0Mac OS X\xb0", "is not text"),
    "utf-16": ('kind = "cpu"'.encode("utf-16"), "is not text (byte 0)"),
    "no-toml": (b"kind: cpu", "is not valid TOML"),
    "empty": (b"", "field 'kind' is missing"),
    "endless-integer": (b"kind = " + b"9" * 5000, "is not valid TOML"),
    "huge-integer": (
        CPU + b"threads = " + b"9" * 4000,
        "threads is 'a number of 13288 bits'",
    ),
    "hexadecimal": (b"kind = 0x" + b"f" * 9000, "kind is 'a number of 36000 bits'"),
    "integer-of-65-bits": (b'kind = "adb"\nport = 18446744073709551616', "field 'port'"),
    "too-many-threads": (CPU + b"threads = 5000", "expected a whole number from 1 to 4096"),
    "deep-list": (CPU + b"x = " + b"[" * 15_000 + b"]" * 15_000, "it is nested"),
    "deep-name": (CPU + b"a." * 15_000 + b"a = 1", "it is nested"),
    "infinite": (CPU + b"timeout_s = inf", "timeout_s is inf"),
    "not-a-number": (CPU + b"timeout_s = nan", "timeout_s is nan"),
    "weeks": (CPU + b"timeout_s = 1e300", "expected a number above 0, up to 1000000"),
    "weeks-by-adb": (
        b'kind = "adb"\ntimeout_s = 1e300',
        "expected a number of seconds above 0",
    ),
    "date": (CPU + b"timeout_s = 2020-01-01", "timeout_s is datetime.date"),
    "escape": (CPU + b'description = "\\u001b[2J"', "without control characters"),
    "nul": (CPU + b'runtime = "a\\u0000b"', "field 'runtime' is 'a\\x00b'"),
    "nul-within": (CPU + b'runtime_options = {a = ["\\u0000"]}', "field 'runtime_options.a.0'"),
    "list-for-kind": (b'kind = ["cpu"]', "field 'kind' is ['cpu'], expected a string"),
    "list-for-runtime": (CPU + b"runtime = [1]", "field 'runtime' is [1], expected a string"),
    "no-runtime": (CPU + b'runtime = ""', "field 'runtime' is '', expected a string"),
    "table-for-protocol": (CPU + b"protocol = {a = 1}", "field 'protocol' is {'a': 1}"),
    "number-for-options": (CPU + b"runtime_options = 3", "is 3, expected a table"),
    "unknown-kind": (b'kind = "toaster"', "no device kind is called 'toaster'"),
    "unknown-option": (CPU + b"speed = 3", "knows no option 'speed'"),
    "too-large": (b"#" * 2 * MAX_BYTES, "has 2 MiB, expected at most 1 MiB"),
}
KINDS_OF_FILE = {
    "folder": (lambda path: path.mkdir(), "Is a directory"),
    "pipe": (os.mkfifo, "is a named pipe"),
    "zeros": (lambda path: path.symlink_to("/dev/zero"), "is a device"),
    "dangling": (lambda path: path.symlink_to("nowhere"), "No such file"),
    "loop": (lambda path: path.symlink_to(path), "symbolic links"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user's profiles are."""
    monkeypatch.setenv("NASPROF_CONFIG", str(tmp_path))
    folder = tmp_path / "devices"
    folder.mkdir()
    (folder / "good.toml").write_bytes(CPU)
    return folder


def listed():
    done = CliRunner().invoke(main, ["devices", "--json"])
    assert done.exit_code == 0, done.output
    return {item["device"]: item for item in json.loads(done.stdout)}, done.stderr


def test_bad_profiles_are_named_and_the_rest_is_listed(folder):
    for name, (content, _) in BAD.items():
        (folder / f"{name}.toml").write_bytes(content)
    for name, (make, _) in KINDS_OF_FILE.items():
        make(folder / f"{name}.toml")
    found, said = listed()
    expected = {name: words for name, (_, words) in (BAD | KINDS_OF_FILE).items()}
    assert found.keys() == SHIPPED | {"good"} | expected.keys()
    assert all(found[name]["error"] is None for name in SHIPPED | {"good"})
    assert found["good"]["reachable"]
    for name, words in expected.items():
        assert words in found[name]["error"], name
        assert found[name]["detail"] == found[name]["error"]
        assert not found[name]["reachable"]
    assert "Profiles that cannot be used: " in said
    assert all(name in said for name in expected)


def test_a_bad_profile_is_a_row_of_the_table(folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    (folder / "lab.toml").write_bytes(BAD["latin-1"][0])
    done = CliRunner().invoke(main, ["devices"])
    assert done.exit_code == 0
    row = next(line for line in done.stdout.splitlines() if line.strip().startswith("lab"))
    assert "is no UTF-8" in row
    assert any(line.split()[:2] == ["good", "yes"] for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", BAD)
def test_a_bad_profile_that_is_asked_for_is_a_usage_error(folder, name):
    content, words = BAD[name]
    (folder / "mine.toml").write_bytes(content)
    with pytest.raises(UsageError) as error:
        open_device(find_profile("mine"))
    assert words in str(error.value)
    assert len(error.value.message) < 500


@pytest.mark.parametrize("name", KINDS_OF_FILE)
def test_what_is_no_file_is_not_waited_for(folder, name):
    make, words = KINDS_OF_FILE[name]
    make(folder / "mine.toml")
    with pytest.raises(UsageError, match=words):
        find_profile(str(folder / "mine.toml"))


def test_a_byte_order_mark_is_no_mistake(folder):
    (folder / "mine.toml").write_bytes(b"\xef\xbb\xbf" + CPU)
    assert find_profile("mine").kind == "cpu"


def test_looking_at_a_device_imports_nothing_of_its_runtime(folder, monkeypatch):
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    (folder / "mine.toml").write_bytes(CPU + b'runtime = "package.adapter:Adapter"')
    assert listed()[0]["mine"]["reachable"]
    (folder / "mine.toml").write_bytes(CPU + b'runtime = "..:Adapter"')
    assert "is not installed" in listed()[0]["mine"]["detail"]


def test_an_unreachable_device_is_no_bad_profile(folder):
    (folder / "phone.toml").write_bytes(b'kind = "adb"\nserial = "127.0.0.1:1"')
    found = listed()[0]["phone"]
    assert (found["reachable"], found["error"], found["kind"]) == (False, None, "adb")


def test_every_shipped_profile_can_be_used():
    for path in (Path(__file__).parents[2] / "devices" / "profiles").glob("*.toml"):
        try:
            open_device(find_profile(str(path)))
        except NasprofError as error:
            pytest.fail(f"{path.name}: {error}")
