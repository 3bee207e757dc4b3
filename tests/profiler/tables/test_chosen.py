"""Networks that a search would choose, measured for a table; today's speed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from measuring import measure
from scripted import ScriptedDevice
from tables import CELLS, TINY, audited_table, made_up_table

from devices import Backend, RunSettings, Samples
from luts import Sentinel
from profiler.measuring.estimates import robust_spread
from profiler.measuring.protocol import parse_protocol
from profiler.measuring.speed import speed_between, todays_speed
from profiler.measuring.status import EMPTY, SENTINEL
from profiler.model_files.model_file import ModelFile
from profiler.tables.build import audit_networks, measure_answers, measure_table
from profiler.tables.chosen import answer_of, find_answers, finders, most_macs, spread
from profiler.tables.keep import lacks_answers
from profiler.tables.measured import measure_genes
from profiler.tables.plan import Plan
from search.accuracy import read_accuracy_model
from spaces import get_space

SPACE = get_space("ofa-mbv3", **TINY)


def test_fresh_tables_measure_networks_that_a_search_would_choose():
    table = audited_table(get_space("ofa-mbv3"))
    space = table.spaces[0]
    rng = np.random.default_rng(0)
    assert set(finders) >= {"macs", "top1"}
    found = find_answers(table, space, 10, rng)
    assert len(found) == len(np.unique(found, axis=0)) == 10
    accuracy = read_accuracy_model("imagenet")
    others = space.sample(2000, rng, "biased")
    for genes in found:
        faster = others[table.latency_ms(others) <= table.latency_ms(genes[None])]
        if len(faster):
            assert accuracy.top1(genes[None])[0] > accuracy.top1(faster).max()
    low, high = table.latency_ms(np.stack([found[0], found[-1]]))
    ends = table.extremes(space)
    assert low < ends.min_ms + 0.2 * (ends.max_ms - ends.min_ms)
    assert high > ends.min_ms + 0.4 * (ends.max_ms - ends.min_ms)


def test_where_no_accuracy_is_known_they_have_the_most_macs_for_their_time():
    table = audited_table(SPACE)
    rng = np.random.default_rng(0)
    found = find_answers(table, SPACE, 8, rng)
    assert (found == most_macs(table, SPACE, 8, rng)).all()
    others = SPACE.sample(5000, rng, "biased")
    for genes in found:
        faster = others[table.latency_ms(others) <= table.latency_ms(genes[None])]
        if len(faster):
            assert SPACE.macs(genes[None])[0] >= SPACE.macs(faster).max()


def test_networks_are_spread_over_the_range():
    table = made_up_table(SPACE)
    genes = SPACE.sample(500, np.random.default_rng(0), "biased")
    times = table.latency_ms(spread(genes, table, SPACE, 10))
    steps = np.diff(times)
    assert len(times) == 10
    assert steps.max() < 2 * np.ptp(table.latency_ms(genes)) / 10


# --- building and timing, on a scripted device ---------------------------------------------------

PROTOCOL = parse_protocol("table:visits=1,rounds=4,repeats=0")


class Machine:
    """A device whose blocks take 1 ms, networks what they are told, at any speed."""

    def __init__(self):
        self.speed, self.jitter = 1.0, 0.0
        self.device = ScriptedDevice(self._script)
        self.settings = RunSettings("onnxruntime")
        self.backend = Backend(self.device, self.settings)

    def _script(self, name, number, runs):
        level = {SENTINEL: 2.0, EMPTY: 0.01}.get(name, 1.0)
        if name.startswith(("network", "answer")):
            level = 3.0 + int(name.removeprefix("network").removeprefix("answer")) / 10
        # Halfway through, as a machine does.
        speed = self.speed * (1.3 if number % 4 == 3 else 1.0 + self.jitter * (number % 4))
        return Samples([level * speed] * runs, [0.9 * level * speed] * runs)


@pytest.fixture(scope="module")
def built():
    machine = Machine()
    plan = Plan((CELLS,), PROTOCOL, calibration=4, audit=4, answers=3)
    table = measure_table(machine.backend, plan, "t")
    return machine, plan, table


def test_a_table_keeps_its_sentinel_and_networks_their_multiples(built):
    _, _, table = built
    assert table.sentinel.latency_ms == {"wall": 2.0, "cpu": pytest.approx(1.8)}
    assert table.sentinel.rounds == 4
    network = table.networks[0]
    assert network.multiples["wall"] == pytest.approx(network.latency_ms["wall"] / 2.0)
    assert all(entry.latency_ms["wall"] == pytest.approx(1.0) for entry in table.entries.values())


def test_what_is_added_to_a_table_later_is_brought_to_its_speed(built):
    machine, plan, table = built
    entries = dict(list(table.entries.items())[:-2])
    begun = replace(table, entries=entries)
    machine.speed = 1.5
    try:
        plan = replace(plan, calibration=0, audit=0)
        whole = measure_table(machine.backend, plan, "t", base=begun)
    finally:
        machine.speed = 1.0
    assert whole.sentinel == table.sentinel
    assert {key: entry.latency_ms for key, entry in whole.entries.items()} == {
        key: {clock: pytest.approx(ms) for clock, ms in entry.latency_ms.items()}
        for key, entry in table.entries.items()
    }


def test_answers_are_measured_for_a_table_at_its_speed(built):
    machine, plan, table = built
    assert lacks_answers(table, plan)
    assert not lacks_answers(table, replace(plan, answers=0))
    machine.speed = 1.4
    try:
        answers = measure_answers(machine.backend, plan, table)
    finally:
        machine.speed = 1.0
    whole = replace(table, networks=(*table.networks, *answers))
    times = [each.latency_ms["wall"] for each in answers]
    assert times == pytest.approx([3.0, 3.1, 3.2][: len(answers)])
    assert len(answers) >= 2
    assert {(each.role, each.rank) for each in answers} == {("answer", 1)}
    assert answers[0].speed["wall"] == pytest.approx(1.4)
    assert not lacks_answers(whole, plan)
    assert len(whole.audit.answers[0]) == len(answers)
    assert whole.calibration == table.calibration


def test_todays_speed_is_the_sentinels(built):
    machine, _, table = built
    asked = []

    def measure_again(genes):
        asked.append(len(genes))
        return measure_genes(machine.backend, Plan((CELLS,), PROTOCOL), CELLS, genes)

    speeds = todays_speed(table, CELLS, measure_again)
    assert speeds["wall"].factor == pytest.approx(1.0)
    assert speeds["wall"].low <= 1 <= speeds["wall"].high
    assert speeds["wall"].of == "today"
    assert asked == [2]
    machine.speed = 1.4
    try:
        speeds = todays_speed(table, CELLS, measure_again)
    finally:
        machine.speed = 1.0
    assert speeds["cpu"].factor == pytest.approx(1.4)
    assert asked == [2, 2, 2, 2], "one that is far off is timed again"
    asked.clear()
    machine.jitter = 0.05
    try:
        speeds = todays_speed(table, CELLS, measure_again)
    finally:
        machine.jitter = 0.0
    assert len(asked) == 5, "a wide interval is narrowed, but not for ever"
    assert 1 < speeds["wall"].low < speeds["wall"].factor < speeds["wall"].high < 1.15
    nothing = replace(table, provenance={**table.provenance, "sentinel": None})
    assert todays_speed(nothing, CELLS, measure_again) is None
    other = {**table.provenance["sentinel"], "sha256": "1" * 64}
    other = replace(table, provenance={**table.provenance, "sentinel": other})
    assert todays_speed(other, CELLS, measure_again) is None


def test_an_audit_is_at_the_speed_of_its_own_sentinel(built):
    machine, plan, table = built
    machine.speed = 1.4
    try:
        plan = replace(plan, seed=5)
        networks, provenance = audit_networks(machine.backend, plan, table)
    finally:
        machine.speed = 1.0
    assert provenance["sentinel"]["latency_ms"]["wall"] == pytest.approx(2.0 * 1.4)
    assert networks[0].latency_ms["wall"] == pytest.approx(3.0 * 1.4)
    assert networks[0].multiples["wall"] == pytest.approx(1.5)


def test_an_answer_without_a_sentinel_is_as_it_was_clocked(built):
    machine, plan, table = built
    measured = measure_answers(machine.backend, plan, table)[-1]
    assert measured.multiples
    (taken,) = measure(
        machine.device,
        machine.settings,
        [ModelFile("answer5", Path(__file__), arch=measured.arch)],
        PROTOCOL,
        np.random.default_rng(0),
    )
    answer = answer_of(taken, 1, table)
    assert (answer.multiples, answer.speed) == ({}, {})
    assert answer.latency_ms["wall"] == pytest.approx(3.5, rel=0.1)


def test_the_interval_of_a_speed_holds_the_truth_about_as_often_as_it_says():
    then = Sentinel("s", {"wall": 2.0}, {"wall": 0.01}, 20)
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        rounds = 3.0 * rng.lognormal(0, 0.02, 40)
        now = Sentinel("s", {"wall": float(np.median(rounds))}, {"wall": robust_spread(rounds)}, 40)
        speed = speed_between(now, then)["wall"]
        held += speed.low <= 1.5 <= speed.high
    assert 0.9 <= held / 400 <= 0.99
    assert speed_between(replace(then, sha256="other"), then) is None


def test_bursts_are_no_spread():
    quiet = np.random.default_rng(0).normal(10, 0.1, 200)
    burst = np.where(np.arange(200) % 5 == 0, 1.3 * quiet, quiet)
    assert robust_spread(quiet) == pytest.approx(0.01, rel=0.2)
    assert robust_spread(burst) < 0.015
