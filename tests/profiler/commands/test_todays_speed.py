"""Commands that state today's speed, on a real table of this machine."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from console import accepted, console, refused
from tables import QUICK_PROTOCOL as PROTOCOL
from tables import TINY, audited_table

from luts import LookupTable, read_cost_model, write_cost_model
from profiler.cli import main
from profiler.tables.chosen import at_speed
from spaces import get_space

SPACE = get_space("ofa-mbv3", **TINY)
SETTINGS = [
    word
    for name, value in TINY.items()
    if name != "resolution"
    for word in ("--set", f"{name}={json.dumps(value)}")
]
FEW = ["--audit", "4", "--calibrate", "4", "--answers", "3"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one's own table of this machine, built by the command."""
    folder = tmp_path_factory.mktemp("data")
    args = ["build-lut", "--resolution", "28", *SETTINGS, "--protocol", PROTOCOL, *FEW]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NASPROF_DATA", str(folder))
        result = CliRunner().invoke(main, args)
    assert result.exit_code == 0, result.output
    assert "as a search would choose them" in result.stderr
    return folder


@pytest.fixture
def path(data: Path):
    (path,) = (data / "luts").glob("*.json")
    return path


@pytest.fixture
def run(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("NASPROF_DATA", str(data))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps(SPACE.decode(SPACE.sample(1, _rng()))[0]))
    return console(main)


def _rng():
    import numpy as np

    return np.random.default_rng(0)


def test_a_fresh_table_has_a_sentinel_multiples_and_answers(path):
    table = read_cost_model(path)
    assert set(table.sentinel.latency_ms) == {"wall", "cpu"}
    assert [each.role for each in table.networks] == ["calibration"] * 4 + ["audit"] * 4 + [
        "answer"
    ] * sum(each.role == "answer" for each in table.networks)
    for network in table.networks:
        for clock, time_ms in network.latency_ms.items():
            multiple = network.multiples[clock]
            assert time_ms == pytest.approx(multiple * table.sentinel.latency_ms[clock])
    assert len(table.audit.answers[0]) >= 2
    assert table.answer_bound(0.95).factor >= table.answer_bound(0.95).least - 1e-9 or (
        table.answer_bound(0.95).upper(1.0) >= table.answer_bound(0.95).least
    )


def test_building_again_measures_nothing(run, path):
    before = path.read_bytes()
    args = ["build-lut", "--resolution", "28", *SETTINGS, "--protocol", PROTOCOL, *FEW]
    result = run(*args)
    assert "is complete" in result.stderr
    assert path.read_bytes() == before


def test_a_table_without_answers_is_completed_with_them(run, path, tmp_path):
    table = read_cost_model(path)
    drawn = tuple(each for each in table.networks if each.role != "answer")
    fields = {name: getattr(table, name) for name in ("name", "spaces", "entries", "provenance")}
    write_cost_model(LookupTable(**fields, networks=drawn), tmp_path / "t.json")
    args = ["build-lut", "--resolution", "28", *SETTINGS, "--protocol", PROTOCOL, *FEW]
    result = run(*args, "-o", "t.json")
    assert result.exit_code == 0, result.stderr
    whole = read_cost_model(tmp_path / "t.json")
    assert whole.entries == table.entries
    assert whole.networks[:8] == drawn
    assert {each.role for each in whole.networks[8:]} == {"answer"}
    assert not list(tmp_path.glob("*.journal"))


def test_predict_tells_latencies_at_todays_speed_when_asked(run, path):
    args = ["predict", "--lut", path, "--arch", "a.json", "--json"]
    (at_table,) = accepted(run(*args))
    assert at_table["speed"] == {"factor": 1.0, "low": 1.0, "high": 1.0, "of": "table"}
    result = run(*args, "--speed", "today", "--budget", 1000)
    (today,) = accepted(result)
    speed = today["speed"]
    assert speed["of"] == "today"
    assert 0 < speed["low"] <= speed["factor"] <= speed["high"]
    assert today["latency_ms"] == pytest.approx(speed["factor"] * at_table["latency_ms"])
    for name in ("upper_ms", "answer_upper_ms"):
        for level, upper_ms in today[name].items():
            assert speed["high"] <= upper_ms / today["latency_ms"] * speed["factor"] * (1 + 1e-9)
            assert upper_ms <= speed["high"] * at_table[name][level] * (1 + 1e-9)
            assert upper_ms >= today["latency_ms"]
            assert at_table["answer_upper_ms"][level] >= at_table["upper_ms"][level]
    assert "Timing the sentinel on 'cpu'" in result.stderr
    shown = run(*args[:-1], "--speed", "today").stdout
    assert "today's speed: " in shown
    assert "chosen 95%" in shown


def test_predict_refuses_todays_speed_of_a_table_without_a_sentinel(run, tmp_path):
    write_cost_model(audited_table(SPACE), tmp_path / "plain.json")
    args = ["predict", "--lut", "plain.json", "--arch", "a.json", "--speed", "today"]
    assert "'plain' keeps no sentinel: today's speed cannot be told" in refused(run(*args))


def test_measure_says_todays_speed_beside_ones_own_table(run, path):
    args = ["measure", "--arch", "a.json", "--protocol", "quick:rounds=2"]
    (record,) = accepted(run(*args, "--json"))
    table = read_cost_model(path)
    now_ms = record["sentinel"]["latency_ms"]["wall"]
    assert record["speed"]["table"] == table.name
    expected = now_ms / table.sentinel.latency_ms["wall"]
    assert record["speed"]["factor"] == pytest.approx(expected, rel=0.3)
    assert "today's speed: " in run(*args).stdout
    # Where there is no such table, nothing is said.
    (other,) = accepted(run(*args, "--runtime", "litert", "--json"))
    assert other["speed"] is None


def test_an_audit_states_todays_speed_and_an_update_keeps_the_answers(run, path, tmp_path):
    copy = tmp_path / "t.json"
    copy.write_bytes(path.read_bytes())
    before = read_cost_model(copy)
    args = ["audit", copy, "--audit", "4", "--calibrate", "4", "--seed", "5", "--json"]
    found = json.loads(run(*args, "--update").stdout)
    assert found["speed"]["of"] == "today"
    assert found["today"]["spearman"] == pytest.approx(found["stored"]["spearman"])
    after = read_cost_model(copy)
    assert after.entries == before.entries
    assert after.sentinel != before.sentinel
    ratio = after.sentinel.latency_ms["wall"] / before.sentinel.latency_ms["wall"]
    assert found["speed"]["factor"] == pytest.approx(ratio)
    kept = [each for each in after.networks if each.role == "answer"]
    known = [each for each in before.networks if each.role == "answer"]
    assert kept == [at_speed(each, before.sentinel, after.sentinel) for each in known]
    for old, new in zip(known, kept, strict=True):
        assert new.latency_ms["wall"] == pytest.approx(ratio * old.latency_ms["wall"])
        assert new.speed["wall"] == pytest.approx(old.speed["wall"] / ratio)
        assert new.multiples == old.multiples
    assert [each.role for each in after.networks[:8]] == ["calibration"] * 4 + ["audit"] * 4


def test_show_has_both_bounds(run, path):
    found = json.loads(run("lut", "show", path, "--json").stdout)
    assert set(found["answers_upper"]) == {"0.9", "0.95", "0.99"}
    shown = run("lut", "show", path).stdout
    assert "chosen" in shown
    assert "random" in shown
