"""The one rule about torn lines: files of JSON lines, and logs with a header."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nasprof.append_log import AppendLog, LogKind
from nasprof.differences import differences
from nasprof.errors import NasprofError, UsageError
from nasprof.jsonl import append_jsonl, read_jsonl


class Busy(NasprofError):
    pass


class Invalid(UsageError):
    pass


class Mismatch(UsageError):
    pass


KIND = LogKind("log", 1, Busy, Invalid, Mismatch, differences)
FACTS = {"engine": "random"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "a.jsonl"


def filled(path, count=3):
    with AppendLog(path, KIND, FACTS) as log:
        log.read()
        for number in range(count):
            log.append([{"n": number, "text": "x" * 10}], durable=False)
    return path.read_bytes()


def read(path):
    with AppendLog(path, KIND, FACTS) as log:
        return [record["n"] for _, record in log.read()]


def test_a_log_cut_off_anywhere_loses_at_most_its_last_record(path, caplog):
    whole = filled(path)
    last = whole.rindex(b"{")
    for end in range(last, len(whole)):
        caplog.clear()
        path.write_bytes(whole[:end])
        complete = end == len(whole) - 1
        kept = [0, 1, 2] if complete else [0, 1]
        assert read(path) == kept
        assert path.read_bytes() == whole[:end], "reading changes nothing"
        assert ("the last line is incomplete" in caplog.text) == (not complete and end > last)
        with AppendLog(path, KIND, FACTS) as log:
            log.read()
            log.append([{"n": 9}])
        assert read(path) == [*kept, 9]
        assert all(json.loads(line) for line in path.read_text().splitlines())


@pytest.mark.parametrize("left", [b"\0" * 50, b'{"n": 5, "te' + b"\0" * 20])
def test_zeros_that_a_file_system_left_are_torn_too(path, left):
    whole = filled(path)
    path.write_bytes(whole + left)
    with AppendLog(path, KIND, FACTS) as log:
        assert len(log.read()) == 3
        log.append([{"n": 3}])
    assert path.read_bytes() == whole + b'{"n":3}\n'


@pytest.mark.parametrize("text", ["my notes", '{"hello": 1', "[1, 2", '{"schema":2,"fa'])
def test_a_file_of_something_else_is_refused_and_kept(path, text):
    path.parent.mkdir()
    path.write_text(text)
    with AppendLog(path, KIND, FACTS) as log, pytest.raises(Invalid, match="is no log of this"):
        log.read()
    assert path.read_text() == text


def test_the_beginning_of_a_header_is_begun_anew(path):
    whole = filled(path, 0)
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        assert read(path) == []
        assert path.read_bytes().rstrip(b"\n") == whole.rstrip(b"\n")


def test_records_of_one_call_are_written_all_or_none(path):
    filled(path)
    kept = path.read_bytes()
    with AppendLog(path, KIND, FACTS) as log:
        log.read()
        with pytest.raises(ValueError, match="JSON"):
            log.append([{"n": 7}, {"n": float("nan")}])
    assert path.read_bytes() == kept


def test_what_was_begun_with_is_told(path):
    filled(path)
    with AppendLog(path, KIND, {"engine": "nat"}) as log:
        with pytest.raises(Mismatch, match='was begun otherwise: engine was "random", now "nat"'):
            log.read()
        with pytest.raises(Busy, match="another process is at work"):
            AppendLog(path, KIND, FACTS)


def test_a_last_line_of_something_else_is_kept_and_named(path):
    path.parent.mkdir()
    path.write_text("my notes")
    append_jsonl(path, {"n": 1})
    assert path.read_text() == 'my notes\n{"n":1}\n'
    with pytest.raises(UsageError, match=r"a\.jsonl, line 1 is not valid JSON"):
        list(read_jsonl(path))


def test_processes_that_save_to_one_file_lose_nothing(path):
    code = (
        "import sys; from pathlib import Path; from nasprof.jsonl import append_jsonl\n"
        "for number in range(25):\n"
        "    append_jsonl(Path(sys.argv[1]), {'who': sys.argv[2], 'n': number, 'x': 'y' * 5000})\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), who]) for who in "abc"]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    records = list(read_jsonl(path))
    for who in "abc":
        assert [record["n"] for record in records if record["who"] == who] == list(range(25))
