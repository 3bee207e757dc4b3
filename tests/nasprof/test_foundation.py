"""Errors, the registry and safe file access."""

import json
import os
import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import find_profile, list_profiles
from devices.profile_files import parse_profile
from nasprof.errors import NasprofError, UsageError
from nasprof.files import write_atomic
from nasprof.json_text import parse_json
from nasprof.jsonl import append_jsonl, read_jsonl
from nasprof.reading import read_text
from nasprof.registry import Registry


def test_a_registry_imports_what_is_asked_for_and_nothing_else():
    registry = Registry("thing", {"path": "pathlib:PurePath", "broken": "no.such.module:Thing"})
    assert registry.get("path").__name__ == "PurePath"
    assert sorted(registry) == ["broken", "path"]
    with pytest.raises(ModuleNotFoundError):
        registry.get("broken")


def test_a_name_taken_twice_names_both_owners():
    registry = Registry("thing", {"path": "pathlib:PurePath"})
    with pytest.raises(UsageError, match=r"pathlib:PurePath and by .*test_foundation"):

        @registry.register("path")
        class Thing:
            pass


def test_a_miss_lists_near_matches_or_all():
    registry = Registry("engine", {"random": "a:b", "local": "a:c"})
    with pytest.raises(UsageError) as near:
        registry.get("randon")
    assert near.value.remedy == "Did you mean random?"
    with pytest.raises(UsageError) as far:
        registry.get("xyzzy")
    assert far.value.remedy == "Known: local, random."


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_atomic(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(NasprofError, match=r"cannot write .*a\.json: No space left"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NasprofError, match="cannot write"):
        write_atomic(tmp_path / "file" / "below", b"")
    with pytest.raises(NasprofError, match="cannot append to"):
        append_jsonl(tmp_path / "file" / "below", {})


def test_a_full_disk_is_a_named_error():
    with pytest.raises(NasprofError, match="cannot append to /dev/full: No space left on device"):
        append_jsonl(__import__("pathlib").Path("/dev/full"), {"a": 1})


def test_a_record_for_which_there_is_no_space_leaves_nothing_of_itself(tmp_path):
    path = tmp_path / "results.jsonl"
    append_jsonl(path, {"kept": 1})
    kept = path.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(kept) + 10, before[1]))
    try:
        with pytest.raises(NasprofError, match="cannot append to"):
            append_jsonl(path, {"lost": "x" * 1000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == kept


def test_what_killed_processes_had_begun_to_write_is_removed_by_the_next(tmp_path):
    fcntl = pytest.importorskip("fcntl")
    dead, writing, new = (tmp_path / f".t.json.{letter * 12}" for letter in "abc")
    foreign = tmp_path / ".t.json.training.aaaaaaaaaaaa"
    for path in (dead, writing, new, foreign):
        path.write_text("half")
    for path in (dead, writing, foreign):
        os.utime(path, (0, 0))
    with writing.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        write_atomic(tmp_path / "t.json", b"whole")
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == sorted([writing.name, new.name, foreign.name, "t.json"])


@given(
    records=st.lists(st.dictionaries(st.text(), st.integers() | st.text()), max_size=6),
    cut=st.integers(1, 30),
)
def test_a_log_cut_off_in_the_middle_loses_only_its_last_record(tmp_path_factory, records, cut):
    path = tmp_path_factory.mktemp("log") / "results.jsonl"
    for record in records:
        append_jsonl(path, record)
    lost = {"n": 10**40}
    append_jsonl(path, lost)
    path.write_bytes(path.read_bytes()[:-cut])
    append_jsonl(path, {"after": True})
    assert list(read_jsonl(path)) in (
        [*records, {"after": True}],
        [*records, lost, {"after": True}],
    )


def test_json_that_cannot_be_read_names_the_place(tmp_path):
    (tmp_path / "a.json").write_text('{\n "a": 1,\n')
    with pytest.raises(UsageError, match=r"a\.json is not valid JSON: line 3"):
        parse_json(read_text(tmp_path / "a.json", "a JSON file"), tmp_path / "a.json")
    with pytest.raises(UsageError, match="cannot read"):
        read_text(tmp_path, "a JSON file")


def test_numbers_that_json_cannot_hold_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        append_jsonl(tmp_path / "a.jsonl", {"latency": float("nan")})
    assert not (tmp_path / "a.jsonl").exists()


@pytest.mark.parametrize("name", ["cpu", "gpu", "pixel", "android"])
def test_shipped_profiles_are_found(name):
    profile = find_profile(name)
    assert profile.name == name
    assert profile.description


def test_the_users_profiles_win_over_shipped_ones(tmp_path, monkeypatch):
    (tmp_path / "devices").mkdir()
    own = tmp_path / "devices" / "pixel.toml"
    own.write_text('kind = "adb"\nserial = "1.2.3.4:5555"\naffinity = [4, 5]\n')
    monkeypatch.setenv("NASPROF_CONFIG", str(tmp_path))
    profile = find_profile("pixel")
    assert list_profiles()["pixel"] == own
    assert (profile.affinity, profile.options) == ((4, 5), {"serial": "1.2.3.4:5555"})
    assert profile.with_options(serial=None).options == profile.options
    assert profile.with_options(serial="x").options == {"serial": "x"}
    assert find_profile(str(own)) == profile


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind = ", "is not valid TOML"),
        ("", "field 'kind' is missing"),
        ("kind = 3", "field 'kind' is 3, expected a string"),
        ('kind = "cpu"\nthreads = "two"', "field 'threads' is 'two', expected a whole number"),
        ('kind = "cpu"\nthreads = true', "field 'threads' is True"),
        ('kind = "cpu"\nthreads = 0', "field 'threads' is 0, expected a whole number from 1"),
        ('kind = "cpu"\naffinity = ["a"]', "field 'affinity' is"),
        ('kind = "cpu"\naffinity = []', "field 'affinity' is"),
    ],
)
def test_a_bad_profile_is_named_with_its_field(text, message):
    with pytest.raises(UsageError, match=message):
        parse_profile("mine", text, "mine.toml")


def test_a_missing_profile_says_where_to_put_one():
    with pytest.raises(UsageError, match="no device is called 'toaster'") as error:
        find_profile("toaster")
    assert "toml" in error.value.remedy
    with pytest.raises(UsageError, match=r"cannot read device profile nowhere\.toml"):
        find_profile("nowhere.toml")


def test_every_error_of_ours_has_one_of_three_exit_codes():
    import devices
    import profiler.measuring.interruption

    found = {NasprofError}
    for _ in range(4):
        found |= {sub for error in found for sub in error.__subclasses__()}
    assert {devices.DeviceTimeout, profiler.measuring.interruption.Cancelled, UsageError} <= found
    assert {error.exit_code for error in found} == {1, 2}
    assert json.dumps(str(NasprofError("what", "do"))) == '"what\\ndo"'
