"""The journal of a measurement: what it keeps, and what it refuses."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from measuring import measure
from scripted import ScriptedDevice, ScriptedSession, steady

from devices import DeviceLost, DeviceTimeout, Reachability, RunSettings, Samples
from nasprof.differences import differences
from nasprof.errors import NasprofError, UsageError
from profiler.measuring.interruption import Cancelled, Interrupted
from profiler.measuring.journal import Journal, JournalBusy, JournalMismatch, discard
from profiler.measuring.protocol import parse_protocol
from profiler.measuring.records import Round
from profiler.model_files.model_file import ModelFile

FACTS = {"device": "cpu", "fingerprint": {"cores": 2, "cpu": "x"}, "threads": 1}
NAMES = ("a", "bb", "ccc")
PROTOCOL = parse_protocol("table:visits=3,rounds=4,repeats=0,sentinel=off")
REPEATING = parse_protocol("table:visits=3,rounds=4,repeats=5,sentinel=off")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "table.json.journal"


def take(path, device, protocol=PROTOCOL, **options):
    folder = path.parent
    folder.mkdir(exist_ok=True)
    for name in NAMES:
        (folder / f"{name}.onnx").write_bytes(name.encode())
    items = [ModelFile(name, folder / f"{name}.onnx") for name in NAMES]
    return measure(
        device,
        RunSettings("onnxruntime"),
        items,
        protocol,
        np.random.default_rng(0),
        journal=path,
        **options,
    )


def interrupting(after, error):
    """A script that fails at the visit number ``after``."""
    visits = 0

    def script(name, number, runs):
        nonlocal visits
        visits += 1
        if visits == after:
            raise error
        return steady(name, number, runs)

    return script


class ReturningDevice(ScriptedDevice):
    """Answers again at the ``back``-th look."""

    def __init__(self, script, back):
        super().__init__(script)
        self.back = back
        self.looks = 0

    def check(self):
        self.looks += 1
        return Reachability(self.looks >= self.back, "")


def visits_on_disk(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return sum("visit" in line for line in lines)


def test_visits_and_rounds_come_back(path):
    with Journal(path, FACTS) as journal:
        journal.visit(0, "a", Samples([1.0], [0.5]))
        journal.visit(0, "a", Samples([2.0], [0.75]))
        journal.end_round(0, {"a": Round(0, [], [1.0, 2.0], sentinel_ms=3.0, flags=["contended"])})
        journal.visit(1, "a", Samples([4.0], None))
    with Journal(path, FACTS) as journal:
        first, second = journal.earlier["a"]
        assert journal.next_round == 2
    assert (first.wall_ms, first.cpu_ms) == ([1.0, 2.0], [0.5, 0.75])
    assert (first.sentinel_ms, first.flags) == (3.0, ["contended"])
    assert (second.wall_ms, second.cpu_ms, second.flags) == ([4.0], None, ["incomplete"])


def test_a_line_cut_off_at_any_place_spoils_only_itself(path):
    with Journal(path, FACTS) as journal:
        journal.visit(0, "a", Samples([1.0], None))
        journal.visit(0, "b", Samples([2.0], None))
    whole = path.read_bytes()
    last = whole.rindex(b"{")
    for end in range(last, len(whole)):
        path.write_bytes(whole[:end])
        with Journal(path, FACTS) as journal:
            # The last line is whole once only its end of line is missing.
            assert ("b" in journal.earlier) == (end >= len(whole) - 1)
            journal.visit(1, "c", Samples([3.0], None))
        with Journal(path, FACTS) as journal:
            assert journal.earlier["a"][0].wall_ms == [1.0]
            assert journal.earlier["c"][0].wall_ms == [3.0]


def test_a_header_cut_off_begins_anew(path):
    with Journal(path, FACTS):
        pass
    path.write_bytes(path.read_bytes()[:-5])
    with Journal(path, FACTS) as journal:
        assert journal.earlier == {}
    with Journal(path, FACTS):
        pass


def test_what_has_changed_is_said(path):
    with Journal(path, FACTS):
        pass
    before = path.read_bytes()
    changed = {**FACTS, "fingerprint": {"cores": 4, "cpu": "x"}, "threads": 2}
    with pytest.raises(JournalMismatch) as caught:
        Journal(path, changed)
    assert "fingerprint.cores was 2, now 4; threads was 1, now 2" in caught.value.message
    assert "--fresh" in caught.value.remedy
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "line",
    [
        '{"round": "one", "visit": "a", "wall_ms": [1.0], "cpu_ms": null}',
        '{"round": 0, "visit": "a", "wall_ms": [NaN], "cpu_ms": null}',
        '{"round": 0, "visit": "a", "wall_ms": "fast", "cpu_ms": null}',
        '{"visit": "a"}',
    ],
)
def test_lines_changed_by_hand_are_named(path, line):
    with Journal(path, FACTS):
        pass
    before = path.read_text() + line + "\n"
    path.write_text(before)
    with pytest.raises(
        UsageError, match=r"a line: field|line 2 is not valid JSON: .*NaN is no number"
    ):
        Journal(path, FACTS)
    assert path.read_text() == before


def test_another_kind_of_file_is_refused_and_kept(path):
    path.parent.mkdir()
    path.write_text('{"hello": 1}\n')
    with pytest.raises(JournalMismatch, match="no journal of this version"):
        Journal(path, FACTS)
    assert path.read_text() == '{"hello": 1}\n'


def test_one_process_at_a_time_and_a_dead_one_holds_nothing(path):
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from profiler.measuring.journal import Journal\n"
        f"journal = Journal(Path(sys.argv[1]), {FACTS!r})\nprint('open', flush=True)\n"
        "time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(JournalBusy, match="another process is at work"):
            Journal(path, FACTS)
        with pytest.raises(JournalBusy):
            discard(path)
    finally:
        other.kill()
        other.wait()
    with Journal(path, FACTS):
        pass
    discard(path)
    assert not path.exists()
    discard(path)


def test_a_full_disk_is_named_and_what_is_there_is_kept(path):
    code = (
        "import resource, signal, sys\nfrom pathlib import Path\n"
        "from devices import Samples\nfrom profiler.measuring.journal import Journal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"journal = Journal(Path(sys.argv[1]), {FACTS!r})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "for number in range(100):\n    journal.visit(number, 'a', Samples([1.0], None))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert f"cannot write the journal {path}: File too large" in ended.stderr
    with Journal(path, FACTS) as journal:
        assert len(journal.earlier["a"]) > 5


def test_a_journal_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NasprofError, match="cannot write the journal"):
        Journal(tmp_path / "file" / "x.journal", FACTS)


def test_differences_of_missing_fields():
    assert differences({"a": 1}, {"b": 2}) == ["a was 1, now null", "b was null, now 2"]
    assert differences({"a": {"b": [1]}}, {"a": {"b": [1]}}) == []


@pytest.mark.parametrize("after", [1, 5, 10, 14, 36])
def test_every_visit_before_an_interruption_is_kept_and_none_is_repeated(path, after):
    whole = take(path, ScriptedDevice(steady))
    path.unlink()
    with pytest.raises(Cancelled):
        take(path, ScriptedDevice(interrupting(after, KeyboardInterrupt())))
    assert visits_on_disk(path) == after - 1
    device = ScriptedDevice(steady)
    results = take(path, device)
    assert [result.name for result in results] == list(NAMES)
    done = (after - 1) // 9
    assert len(device.sessions[0].orders) <= 4 - done
    for result, expected in zip(results, whole, strict=True):
        assert len(result.rounds) == 4
        assert result.latency_ms.trimmed_mean == pytest.approx(
            expected.latency_ms.trimmed_mean, rel=0.01
        )


def test_a_journal_of_a_complete_measurement_measures_nothing_again(path):
    first = take(path, ScriptedDevice(steady))
    device = ScriptedDevice(steady)
    again = take(path, device)
    assert device.sessions[0].orders == []
    assert [r.latency_ms for r in again] == [r.latency_ms for r in first]


def test_changed_models_and_protocols_do_not_continue_a_journal(path):
    take(path, ScriptedDevice(steady))
    (path.parent / "a.onnx").write_bytes(b"other")
    items = [ModelFile("a", path.parent / "a.onnx")]
    with pytest.raises(JournalMismatch, match=r"protocol\.visits was 3, now 1.*models was"):
        measure(
            ScriptedDevice(steady),
            RunSettings("onnxruntime"),
            items,
            parse_protocol("table:visits=1,rounds=4,repeats=0,sentinel=off"),
            np.random.default_rng(0),
            journal=path,
        )


def test_disturbed_visits_of_a_round_that_was_killed_are_not_counted_as_clean(path):
    """Killed in the middle of the second round, all of whose visits were slow and flagged."""

    def killed(name, number, runs):
        nonlocal visits
        visits += 1
        if visits == 9 + 5:
            # Nothing is told of the end, as with kill -9.
            raise SystemExit
        samples = steady(name, number, runs)
        if number == 1:
            samples.wall_ms = [3 * ms for ms in samples.wall_ms]
            samples.flags = ["contended"]
        return samples

    visits = 0
    whole = take(path, ScriptedDevice(steady), REPEATING)
    path.unlink()
    with pytest.raises(SystemExit):
        take(path, ScriptedDevice(killed), REPEATING)
    results = take(path, ScriptedDevice(steady), REPEATING)
    unfinished = [taken for result in results for taken in result.rounds if taken.flags]
    assert sum(len(taken.wall_ms) for taken in unfinished) == 4
    assert all(taken.flags == ["contended", "incomplete"] for taken in unfinished)
    assert not any(taken.counted for taken in unfinished)
    for result, expected in zip(results, whole, strict=True):
        assert (result.flags, len(result.samples_ms)) == ([], 12)
        assert result.latency_ms.trimmed_mean == pytest.approx(
            expected.latency_ms.trimmed_mean, rel=0.01
        )


def test_journals_from_before_visits_had_flags_are_read(path):
    with Journal(path, FACTS) as journal:
        journal.end_round(0, {"a": Round(0, [], [1.0])})
    with path.open("a") as stream:
        stream.write('{"round":0,"visit":"a","wall_ms":[1.0],"cpu_ms":null}\n')
    with Journal(path, FACTS) as journal:
        (taken,) = journal.earlier["a"]
    assert (taken.wall_ms, taken.flags) == ([1.0], [])


def test_visits_of_a_round_in_which_the_device_was_lost_are_not_counted_as_clean(path, monkeypatch):
    """What is wrong with a round shows at its end; this one had none."""
    monkeypatch.setattr("profiler.measuring.patience.time.sleep", lambda _: None)

    def script(name, number, runs):
        if number == 1:
            raise DeviceLost("gone", partial={"a": Samples([50.0], [50.0])})
        return steady(name, number, runs)

    device = ReturningDevice(script, back=1)
    a, bb, _ = take(path, device, REPEATING, patience_s=60)
    assert [(len(taken.wall_ms), taken.flags, taken.counted) for taken in a.rounds] == [
        (3, [], True),
        (1, ["incomplete"], False),
        *[(3, [], True)] * 3,
    ]
    assert (a.flags, len(bb.rounds)) == ([], 4)


class FlakySession(ScriptedSession):
    """Fails where it is told to, once for each error."""

    def __init__(self, settings, script, failing, errors):
        super().__init__(settings, script)
        self.failing, self.errors = failing, errors

    def _fail(self, step):
        if step == self.failing and self.errors:
            raise self.errors.pop(0)

    def load(self, models, details=None):
        self._fail("load")
        super().load(models, details)

    def run_round(self, order, warmup, runs, arrived=None):
        if len(order) == 2 * len(NAMES):  # scouting
            self.partial = {NAMES[0]: Samples([9.0], [9.0])}
            self._fail("scout")
        return super().run_round(order, warmup, runs, arrived)


class FlakyDevice(ReturningDevice):
    def __init__(self, failing, *errors):
        super().__init__(steady, back=2)
        self.failing, self.errors = failing, list(errors)

    def open(self, settings):
        self.sessions.append(FlakySession(settings, self.script, self.failing, self.errors))
        return self.sessions[-1]


@pytest.mark.parametrize("failing", ["load", "scout"])
def test_loading_and_scouting_wait_for_a_device_too(path, monkeypatch, failing):
    monkeypatch.setattr("profiler.measuring.patience.time.sleep", lambda _: None)
    device = FlakyDevice(failing, DeviceLost("gone"))
    results = take(path, device, scout=True, patience_s=60)
    assert device.looks == 2
    assert [[len(taken.wall_ms) for taken in result.rounds] for result in results] == [[3] * 4] * 3
    assert all(result.flags == [] for result in results)


@pytest.mark.parametrize("failing", ["load", "scout"])
@pytest.mark.parametrize(
    ("error", "kind"), [(DeviceLost("gone"), Interrupted), (KeyboardInterrupt(), Cancelled)]
)
def test_what_an_earlier_run_left_is_given_to_who_interrupts_the_beginning(
    path, failing, error, kind
):
    with pytest.raises(Cancelled):
        take(path, ScriptedDevice(interrupting(2 * 9 + 1, KeyboardInterrupt())))
    with pytest.raises(kind) as caught:
        take(path, FlakyDevice(failing, error), scout=True)
    given = caught.value.measurements
    assert [result.name for result in given] == list(NAMES)
    # Two rounds, and nothing of what was only scouted.
    assert [[len(taken.wall_ms) for taken in result.rounds] for result in given] == [[3, 3]] * 3


def test_a_session_that_ended_for_good_is_not_waited_for(path):
    """Its own error is told at once, whatever the patience."""

    def script(name, number, runs):
        device.sessions[0].ended = timeout
        raise timeout

    timeout = DeviceTimeout("took more than 1 s")
    device = ReturningDevice(script, back=1)
    with pytest.raises(Interrupted, match="took more than 1 s") as caught:
        take(path, device, patience_s=3600)
    assert caught.value.cause is timeout
    assert (device.looks, len(device.sessions[0].orders)) == (0, 1)


def losing(after):
    lost = DeviceLost("gone")
    script = interrupting(after, lost)

    def tell(name, number, runs):
        try:
            return script(name, number, runs)
        except DeviceLost as error:
            error.partial = {}
            raise

    return tell


def test_a_device_that_comes_back_is_waited_for(path, monkeypatch):
    monkeypatch.setattr("profiler.measuring.patience.time.sleep", lambda _: None)
    device = ReturningDevice(losing(14), back=3)
    heard = []
    results = take(path, device, patience_s=60, progress=heard.append)
    assert device.looks == 3
    assert any("waiting" in status.waiting for status in heard)
    assert all(len(result.rounds) >= 4 for result in results)
    # Visits that were over when it was lost are on disk once.
    assert visits_on_disk(path) == 4 * 9 + 4


def test_a_device_that_stays_away_is_an_error_and_all_is_kept(path, monkeypatch):
    monkeypatch.setattr("profiler.measuring.patience.time.sleep", lambda _: None)
    with pytest.raises(Interrupted, match="gone"):
        take(path, ReturningDevice(losing(14), back=10**9), patience_s=0.05)
    assert visits_on_disk(path) == 13
    with pytest.raises(Interrupted, match="gone"):
        take(path, ReturningDevice(losing(1), back=0), patience_s=0)


def test_the_estimate_comes_first(path):
    heard = []
    device = ScriptedDevice(steady)
    take(path, device, scout=True, progress=heard.append)
    assert heard[0].rounds == 0 and heard[0].remaining_s > 0
    assert len(device.sessions[0].orders[0]) == 6
    assert len(device.sessions[0].orders[1]) == 9
