"""Answers measured on a device, on scripted ones: misses, failures, and what a table learns."""

import json
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from scripted import ScriptedDevice
from tables import CELLS as SPACE
from tables import QUICK_PROTOCOL, made_up_networks, made_up_table

from devices import Backend, DeviceLost, RunSettings, Samples
from luts import TABLE_SPEED, LookupTable, Measured, Sentinel, read_cost_model, write_cost_model
from luts.answers import WINDOW
from nasprof.locking import locked
from profiler.measuring.protocol import parse_protocol
from profiler.measuring.status import EMPTY, SENTINEL
from profiler.tables.measured import measure_genes
from profiler.tables.plan import Plan
from search.accuracy.base import AccuracyModel
from search.answers.candidates import Candidates
from search.answers.context import Context
from search.answers.deployment import Deployment
from search.answers.feedback import record_answers, remembered
from search.answers.replies import reply
from search.answers.speed import StatedSpeed
from search.answers.verification import Verification
from search.answers.verify import REPEATS, verify_candidates
from search.naming import exactly
from search.objectives.trade_off import TradeOff

PROTOCOL = parse_protocol(QUICK_PROTOCOL)
SETTINGS = RunSettings("onnxruntime")
PROVENANCE = {
    "device": "scripted",
    "device_fingerprint": {"kind": "scripted"},
    "runtime": "onnxruntime",
    "runtime_version": "1.2",
    "threads": 1,
    "precision": "fp32",
    "batch": 1,
    "source": "blocks",
    "protocol": PROTOCOL.to_dict(),
}


@dataclass(frozen=True)
class Answer:
    genes: np.ndarray
    top1: float
    latency_ms: float
    upper_ms: float
    std: float | None = None


class ByMacs(AccuracyModel):
    """The more MACs the better."""

    name, provenance, spaces = "macs", {}, (SPACE,)

    def top1(self, genes, space=None):
        return 50 + SPACE.macs(genes) / 1e5

    def as_arrays(self):
        raise NotImplementedError

    from_arrays = as_arrays


def cell(number):
    return SPACE.from_index(np.array([number]))[0]


def answers(*latencies_ms, first=100):
    """Candidates, most accurate first, that are predicted to take these times."""
    return [
        Answer(cell(first + place), 90.0 - place, latency_ms, 1.02 * latency_ms)
        for place, latency_ms in enumerate(latencies_ms)
    ]


WALL, CPU = StatedSpeed("wall"), StatedSpeed("cpu")
SENTINEL_MS = 2.0


class Phone:
    """Measures nothing: cells take what ``truth`` says, by number; tells what it was asked.

    Args:
        truth: ms by number of the cell, or a list with those of each time it is measured.
        speed: factor of all times, the sentinel's as well.
        noisy: of how many measurements the samples are flagged.
    """

    def __init__(self, truth, fails_at=None, failure=None, speed=1.0, noisy=0):
        self.truth, self.asked, self.times = truth, [], {}
        self.fails_at, self.failure = fails_at, failure or DeviceLost("gone")
        self.speed, self.noisy = speed, noisy
        self.device = ScriptedDevice(self._script)

    def _script(self, name, number, runs):
        if (len(self.asked), number) == self.fails_at:
            raise self.failure
        level = {SENTINEL: SENTINEL_MS, EMPTY: 0.01}.get(name)
        if level is None:
            asked = self.asked[-1][int(name.removeprefix("answer"))]
            level = self.truth[asked]
            if isinstance(level, list):
                times = sum(asked in each for each in self.asked)
                level = level[min(times, len(level)) - 1]
        level *= self.speed
        flags = ["contended"] * (len(self.asked) <= self.noisy)
        return Samples([level] * runs, [0.9 * level] * runs, flags=flags)

    def site(self, table=None):
        table = table or LookupTable("none", (SPACE,), {}, PROVENANCE)
        trade_off = TradeOff(SPACE, ByMacs(), table)
        backend = Backend(self.device, SETTINGS)
        return Deployment(trade_off, "scripted", backend, Plan((SPACE,), PROTOCOL))

    def take(self, genes):
        self.asked.append(SPACE.index(genes).tolist())
        return self.site().measure(genes)


def nothing_else(budgets_ms):
    return [[] for _ in budgets_ms]


def context(minimum_ms, maximum_ms):
    """What answers are of that lie between two latencies."""
    return Context(
        Phone({}).site().trade_off, "scripted", "local", TABLE_SPEED, 0.95, minimum_ms, maximum_ms
    )


def numbers(found):
    return [int(SPACE.index(answer.genes[None])[0]) for answer in found]


# --- who answers -------------------------------------------------------------------------------


def test_answers_of_all_budgets_are_measured_together_and_kept_where_they_hold():
    phone = Phone({100: 9.0, 200: 19.0})
    candidates = [Candidates(10, answers(9.5)), Candidates(20, answers(19.5, first=200))]
    found = verify_candidates(candidates, WALL, phone.take, nothing_else)
    assert phone.asked == [[100, 200], [100, 200]], "what was accepted is measured once more"
    assert [numbers(found.final(each)) for each in candidates] == [[100], [200]]
    assert found.measured_ms(candidates[0].answers[0]) == pytest.approx(9.0)
    rounds = len(phone.device.sessions[0].orders) - 1
    assert rounds == 2 * PROTOCOL.rounds_min, "more rounds than a table's"


def test_budgets_are_compared_on_the_clock_of_the_table():
    phone = Phone({100: 10.5})
    candidates = [Candidates(10, answers(9.5))]
    on_cpu = verify_candidates(candidates, CPU, phone.take, nothing_else)
    assert on_cpu.measured_ms(candidates[0].answers[0]) == pytest.approx(0.9 * 10.5)
    assert on_cpu.ratios(candidates) == [pytest.approx(0.9 * 10.5 / 9.5)]
    assert not on_cpu.missing(candidates[0])
    assert verify_candidates(candidates, WALL, phone.take, nothing_else).missing(candidates[0])


def test_one_that_misses_makes_way_for_the_next_that_should_hold():
    phone = Phone({100: 11.0, 102: 9.9, 200: 19.5})
    # 10 % off: 9.6 would take 10.56, 9.0 takes 9.9.
    candidates = [Candidates(10, answers(10.0, 9.6, 9.0)), Candidates(20, answers(19, first=200))]
    found = verify_candidates(candidates, WALL, phone.take, nothing_else)
    assert phone.asked == [[100, 200], [102], [102, 200]]
    assert numbers(found.final(candidates[0])) == [102]
    told = reply(candidates[0], found, context(1, 100))
    assert told.results[0].measured_ms == pytest.approx(9.9)
    assert told.note == "more accurate ones missed the budget when measured (11 ms)"
    assert reply(candidates[1], found, context(1, 100)).note is None


def test_new_candidates_are_asked_for_when_none_is_left():
    phone = Phone({100: 12.5, 300: 9.8})
    budgets = []

    def again(budgets_ms):
        budgets.extend(budgets_ms)
        return [answers(7.9, first=300)]

    candidates = [Candidates(10, answers(10.0, 9.9))]
    found = verify_candidates(candidates, WALL, phone.take, again)
    assert budgets == [pytest.approx(8.0)]
    assert phone.asked == [[100], [300], [300]]
    assert numbers(found.final(candidates[0])) == [300]


def test_of_a_budget_that_none_should_meet_the_fastest_is_tried():
    phone = Phone({100: 30.0, 103: 11.0})
    candidates = [Candidates(10, answers(9.9, 5.0, 4.0, 3.5))]
    found = verify_candidates(candidates, WALL, phone.take, nothing_else)
    assert phone.asked == [[100], [103], [103]]
    told = reply(candidates[0], found, context(1, 100))
    assert numbers([told.results[0].answer]) == [103]
    assert told.note == "none of those measured meets the budget (30, 11 ms); this is the nearest"


def test_attempts_are_limited():
    truth = {100 + place: 11.0 + place / 100 for place in range(9)}
    phone = Phone(truth)
    candidates = [Candidates(10, answers(*(10 * 0.9**place for place in range(9))))]
    found = verify_candidates(candidates, WALL, phone.take, nothing_else, attempts=3)
    assert len(phone.asked) == 3 + 1
    assert numbers(found.final(candidates[0])) == [min(asked[0] for asked in phone.asked)]


def test_several_are_answered_with_and_none_is_measured_twice():
    phone = Phone({100: 9.0, 101: 12.0, 102: 8.0, 103: 7.0})
    candidates = [Candidates(10, answers(9.0, 9.0, 8.0, 7.0)) for _ in range(2)]
    found = verify_candidates(candidates, WALL, phone.take, nothing_else, top=3)
    assert phone.asked == [[100, 101, 102], [103], [100, 102, 103]]
    told = reply(candidates[0], found, context(1, 100))
    assert numbers(result.answer for result in told.results) == [100, 102, 103]
    assert [result.name for result in told.results] == ["10ms-1", "10ms-2", "10ms-3"]


# --- what nothing was selected by ---------------------------------------------------------------


def test_the_number_told_is_of_a_second_measurement_and_a_miss_counts():
    phone = Phone({100: [9.9, 10.2], 200: [19.0, 19.1]})
    candidates = [Candidates(10, answers(9.9)), Candidates(20, answers(19.5, first=200))]
    found = verify_candidates(candidates, WALL, phone.take, nothing_else)
    first, second = (reply(each, found, context(1, 100)) for each in candidates)
    assert first.results[0].measured_ms == pytest.approx(10.2)
    assert first.first_choice.measured_ms == pytest.approx(9.9)
    assert first.note == "it held, but missed the budget when measured once more (10.2 ms)"
    assert (second.results[0].measured_ms, second.note) == (pytest.approx(19.1), None)


def test_the_first_choice_is_told_also_where_it_was_replaced():
    phone = Phone({100: 11.0, 102: [9.9, 9.8]})
    candidates = [Candidates(10, answers(10.0, 9.6, 9.0))]
    told = reply(
        candidates[0],
        verify_candidates(candidates, WALL, phone.take, nothing_else),
        context(1, 100),
    )
    assert (told.first_choice.answer.latency_ms, told.first_choice.measured_ms) == (
        10.0,
        pytest.approx(11.0),
    )
    assert (told.results[0].measured_ms, told.tried) == (pytest.approx(9.8), 2)


def test_excess_is_pooled_over_the_budgets_of_a_call():
    # Two budgets keep what is 10 % slower than predicted; the first misses by 1 %.
    phone = Phone({100: 10.1, 103: 9.0, 200: 19.8, 300: 22.0})
    candidates = [
        Candidates(10, answers(10.0, 9.95, 9.5, 9.0)),
        Candidates(20, answers(18.0, first=200)),
        Candidates(25, answers(20.0, first=300)),
    ]
    found = verify_candidates(candidates, WALL, phone.take, nothing_else)
    assert phone.asked[1] == [103], "9.5 would keep the budget if only its own miss counted"
    assert found.excess(candidates[0], 1.0) == pytest.approx(1.01)


def test_the_pooled_excess_may_be_below_1():
    fast = Phone({100: 10.4, 101: 9.0, 200: 10.0, 300: 12.0, 400: 14.0, 102: 9.0})
    others = [(15, 13.0, 200), (20, 16.0, 300), (25, 19.0, 400)]
    candidates = [Candidates(10, answers(9.9, 9.5, 9.3))]
    candidates += [Candidates(budget, answers(ms, first=first)) for budget, ms, first in others]
    found = verify_candidates(candidates, WALL, fast.take, nothing_else)
    pooled = np.median(found.ratios(candidates))
    assert pooled < 1
    assert found.excess(candidates[1], pooled) == pytest.approx(pooled)
    assert found.excess(candidates[0], pooled) == pytest.approx(10.4 / 9.9)


def test_flagged_measurements_are_repeated_and_not_taken_for_truth():
    phone = Phone({100: [11.0, 9.0, 9.1]}, noisy=1)
    candidates = [Candidates(10, answers(9.5, 8.0))]
    found = verify_candidates(candidates, WALL, phone.take, nothing_else)
    assert phone.asked == [[100], [100], [100]]
    assert found.measured_ms(candidates[0].first) == pytest.approx(9.0)
    always = Phone({100: 9.0}, noisy=99)
    found = verify_candidates([Candidates(10, answers(9.5))], WALL, always.take, nothing_else)
    assert len(always.asked) == 2 * (1 + REPEATS)
    (taken,) = found.measurements.values()
    assert taken.flags == ["contended"]


def test_latencies_are_read_at_the_speed_that_was_stated():
    """The device runs at 1.3 times the table's times, and at 1.1 times was stated."""
    phone = Phone({100: 9.0}, speed=1.3)
    digest = phone.take(np.array([cell(100)]))[0].sentinel["sha256"]
    sentinel = Sentinel(digest, {"wall": SENTINEL_MS, "cpu": 0.9 * SENTINEL_MS}, {}, 20)
    candidates = [Candidates(10, answers(9.0))]
    found = verify_candidates(
        candidates, StatedSpeed("wall", sentinel, 1.1), phone.take, nothing_else
    )
    first = candidates[0].first
    assert found.measured_ms(first) == pytest.approx(9.0 * 1.1)
    assert found.clocked_ms(first) == pytest.approx(9.0 * 1.3)
    assert found.drift() == pytest.approx(1.3 / 1.1)
    other = Sentinel("another", {"wall": 1.0}, {}, 20)
    clocked = StatedSpeed("wall", other, 1.1).latency_ms(found.measurements[first.genes.tobytes()])
    assert clocked == pytest.approx(9.0 * 1.3), "a multiple of another sentinel says nothing"


def test_budgets_that_differ_have_files_of_their_own():
    assert exactly(110.0) == "110"
    assert exactly(4.1) == "4.1"
    assert exactly(4.1000001) == "4.1000001"


# --- failures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [DeviceLost("gone"), KeyboardInterrupt()])
def test_a_device_that_disappears_leaves_predictions(failure):
    phone = Phone({100: 9.0}, fails_at=(1, 1), failure=failure)
    candidates = [Candidates(10, answers(9.5))]
    found = verify_candidates(candidates, WALL, phone.take, nothing_else)
    assert found.ended is not None
    told = reply(candidates[0], found, context(1, 100))
    assert (numbers([told.results[0].answer]), told.results[0].measured_ms) == ([100], None)


def test_what_was_measured_before_it_disappeared_counts():
    phone = Phone({100: 11.0, 200: 19.0, 101: 0}, fails_at=(2, 0))
    candidates = [Candidates(10, answers(9.9, 5)), Candidates(20, answers(19.5, first=200))]
    found = verify_candidates(candidates, WALL, phone.take, nothing_else)
    first, second = (reply(each, found, context(1, 100)) for each in candidates)
    assert numbers([first.results[0].answer]) == [101]
    assert first.results[0].measured_ms is None
    assert second.results[0].measured_ms is None, "nothing was measured once more"
    assert second.first_choice.measured_ms == pytest.approx(19.0)


# --- what budgets outside the range are told ----------------------------------------------------


def test_budgets_outside_the_range_are_noted():
    found, span = Verification(WALL), context(10, 100)
    assert (
        "no network is known to run under 10 ms"
        in reply(Candidates(5, answers(9.8)), found, span).note
    )
    above = reply(Candidates(120, answers(80.0)), found, span).note
    assert above == "every network runs under 100 ms; 38.4 ms are left"
    assert reply(Candidates(50, answers(40)), found, span).note is None


# --- what the table remembers --------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path: Path):
    table = replace(made_up_table(SPACE), provenance=PROVENANCE)
    table = replace(table, networks=tuple(made_up_networks(table)))
    write_cost_model(table, tmp_path / "t.json")
    return read_cost_model(tmp_path / "t.json")


def with_sentinel(table, phone):
    """The same table, which knows the phone's sentinel at its own speed."""
    digest = phone.take(np.array([cell(100)]))[0].sentinel["sha256"]
    times = {"wall": SENTINEL_MS, "cpu": 0.9 * SENTINEL_MS}
    sentinel = Sentinel(digest, times, {"wall": 0.01, "cpu": 0.01}, 20).to_dict()
    changed = replace(table, provenance={**PROVENANCE, "sentinel": sentinel})
    write_cost_model(changed, table.path)
    return read_cost_model(table.path)


def answered(table, phone, truth, budgets=(10.0,)):
    """First choices whose prediction is the table's, measured and remembered."""
    genes = [cell(number) for number in truth]
    told = table.latency_ms(np.array(genes)).tolist()
    candidates = [
        Candidates(2 * ms, [Answer(row, 90.0, ms, ms)]) for row, ms in zip(genes, told, strict=True)
    ]
    found = verify_candidates(candidates, WALL, phone.take, nothing_else)
    return candidates, found, record_answers(phone.site(table), candidates, found)


def phone_for(table, cells, ratio, **options):
    """A phone on which cells take ``ratio`` times what the table says."""
    told = table.latency_ms(np.array([cell(number) for number in cells])).tolist()
    return Phone({number: ratio * ms for number, ms in zip(cells, told, strict=True)}, **options)


def test_answers_widen_their_bound_and_move_no_line(stored):
    cells = range(1000, 1012)
    phone = phone_for(stored, cells, 1.2)
    _, _, recorded = answered(stored, phone, cells)
    assert recorded == (stored.path, 12)
    after = read_cost_model(stored.path)
    assert [each.role for each in after.networks[24:]] == ["answer"] * 12
    assert after.networks[:24] == stored.networks
    genes = SPACE.sample(50, np.random.default_rng(1))
    assert (after.latency_ms(genes) == stored.latency_ms(genes)).all()
    assert after.audit.after == stored.audit.after, "no answer is audited"
    assert after.bounds() == stored.bounds()
    assert stored.answer_bound(0.95) == stored.bound(0.95)
    assert after.answer_bound(0.95).factor == pytest.approx(1.2, rel=1e-3)
    assert (
        after.answer_bound(0.95).factor * after.latency_ms(genes) > after.latency_ms(genes)
    ).all()


def test_answers_at_another_speed_are_remembered_at_the_tables(stored):
    known = with_sentinel(stored, Phone({100: 1.0}))
    phone = phone_for(known, range(1000, 1005), 1.02, speed=1.4)
    candidates, found, recorded = answered(known, phone, range(1000, 1005))
    assert recorded[1] == 5
    answers = read_cost_model(stored.path).networks[24:]
    told = known.latency_ms(np.stack([each.first.genes for each in candidates]))
    assert [each.latency_ms["wall"] for each in answers] == pytest.approx((1.02 * told).tolist())
    assert {each.rank for each in answers} == {1}
    assert answers[0].speed == {"wall": pytest.approx(1.4), "cpu": pytest.approx(1.4)}
    assert answers[0].session == next(iter(found.measurements.values())).time
    assert answers[0].multiples["wall"] == pytest.approx(1.02 * told[0] / SENTINEL_MS)


def test_only_first_choices_count_for_the_bound(stored):
    told = stored.latency_ms(np.array([cell(1000), cell(1001), cell(1002)])).tolist()
    phone = Phone({1000: 1.01 * told[0], 1001: 1.01 * told[1], 1002: 2.0 * told[2]})
    first = [Candidates(9e9, [Answer(cell(number), 90.0, ms, ms)]) for number, ms in
             zip((1000, 1001), told, strict=False)]  # fmt: skip
    found = verify_candidates(first, WALL, phone.take, nothing_else)
    extra = {cell(1002).tobytes(): phone.take(np.array([cell(1002)]))[0]}
    found.measurements |= extra
    record_answers(phone.site(stored), first, found)
    after = read_cost_model(stored.path)
    assert [each.rank for each in after.networks[24:]] == [1, 1, 2]
    assert len(after.audit.answers[0]) == 2
    assert after.answer_bound(0.95).factor < 1.5


def test_the_latest_answers_are_kept_and_what_was_drawn_stays(stored):
    fresh = [Measured({"cell": str(n)}, "answer", {"wall": 1.0}, rank=1) for n in range(WINDOW + 9)]
    grown = remembered(stored.networks, fresh)
    assert len(grown) == 24 + WINDOW
    assert grown[:24] == stored.networks
    assert grown[-1] == fresh[-1]
    assert remembered(grown, fresh[:1])[-1] == fresh[0]
    assert remembered(grown, []) == grown


def changed_protocol(stored, phone):
    plan = Plan((SPACE,), parse_protocol("quick"))
    return replace(phone.site(stored), plan=plan)


@pytest.mark.parametrize(
    "site",
    [
        lambda stored, phone: phone.site(replace(stored, path=None)),
        lambda stored, phone: replace(phone.site(stored), changed=("threads was 1, now 2",)),
        changed_protocol,
        lambda stored, phone: (stored.path.chmod(0o444), phone.site(stored))[1],
    ],
    ids=["not a file", "another device", "another protocol", "read only"],
)
def test_other_tables_are_left_as_they_are(stored, site):
    phone = Phone({100: 5.0})
    candidates = [Candidates(10, answers(5.0))]
    found = verify_candidates(candidates, WALL, phone.take, nothing_else)
    before = stored.path.read_bytes()
    assert record_answers(site(stored, phone), candidates, found) is None
    assert stored.path.read_bytes() == before


def test_shipped_tables_are_left_as_they_are():
    shipped = read_cost_model("cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224")
    before = shipped.path.read_bytes()
    phone = Phone({100: 5.0})
    candidates = [Candidates(10, answers(5.0))]
    found = verify_candidates(candidates, WALL, phone.take, nothing_else)
    site = replace(phone.site(), trade_off=None)
    object.__setattr__(site, "trade_off", type("T", (), {"cost": shipped})())
    assert record_answers(site, candidates, found) is None
    assert shipped.path.read_bytes() == before


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        (replace(SETTINGS, affinity=(3,)), {}),
        (replace(SETTINGS, options={"xnnpack": False}), {}),
        (SETTINGS, {"delegate": "gpu"}),
    ],
    ids=["affinity", "runtime options", "device options"],
)
def test_what_was_measured_under_other_conditions_is_not_remembered(stored, settings, options):
    phone = phone_for(stored, range(1000, 1003), 1.1)
    device = phone.device
    device.profile = device.profile.with_options(**options)
    plan = Plan((SPACE,), PROTOCOL)
    backend = Backend(device, settings)

    def take(genes):
        phone.asked.append(SPACE.index(genes).tolist())
        return measure_genes(backend, plan, SPACE, genes)

    (told,) = stored.latency_ms(np.array([cell(1000)])).tolist()
    candidates = [Candidates(2 * told, [Answer(cell(1000), 90.0, told, told)])]
    found = verify_candidates(candidates, WALL, take, nothing_else)
    assert record_answers(phone.site(stored), candidates, found) is None
    assert read_cost_model(stored.path).networks == stored.networks


def test_doubtful_measurements_are_not_remembered(stored):
    phone = Phone({100: 5.0, 200: 5.0}, noisy=99)
    candidates = [Candidates(10, answers(5.0))]
    found = verify_candidates(candidates, WALL, phone.take, nothing_else)
    before = json.loads(stored.path.read_text())
    assert record_answers(phone.site(stored), candidates, found) is None
    assert json.loads(stored.path.read_text()) == before


def test_a_table_is_changed_through_a_link_under_a_lock_and_keeps_its_mode(stored, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    real = stored.path.rename(tmp_path / "elsewhere" / "real.json")
    real.chmod(0o640)
    link = tmp_path / "t.json"
    link.symlink_to(real)
    table = read_cost_model(link)
    phone = phone_for(table, [1000, 1001], 1.1)
    done = []
    with locked(link):
        other = Thread(target=lambda: done.append(answered(table, phone, [1000, 1001])[2]))
        other.start()
        other.join(1.5)
        assert other.is_alive(), "it waits for whoever has the table"
        changed = replace(table, provenance={**PROVENANCE, "note": "written meanwhile"})
        write_cost_model(changed, link)
    other.join(30)
    assert done == [(link, 2)]
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    after = read_cost_model(link)
    assert after.provenance["note"] == "written meanwhile", "nothing that was written is lost"
    assert len(after.networks) == 26
