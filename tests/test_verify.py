"""Answers measured on a device, on scripted ones: misses, failures, and what a table learns."""

import json
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scripted import ScriptedDevice
from tables import made_up_networks, made_up_table

from devices import DeviceLost, RunSettings, Samples
from luts import LookupTable, Measured, read_cost_model, write_cost_model
from profiler.build import Progress
from profiler.plan import Plan
from profiler.protocol import parse_protocol
from profiler.rounds import EMPTY, SENTINEL
from search.accuracy.base import AccuracyModel
from search.delivery.bench import bench_of
from search.delivery.feedback import LEARNT, learn, remembered
from search.delivery.replies import Range, reply
from search.delivery.site import Site
from search.delivery.verify import Candidates, Verification, verify
from search.problem import TradeOff
from spaces import get_space

SPACE = get_space("nasbench201", resolution=8, classes=4, channels=4, cells=1)
PROTOCOL = parse_protocol("table:visits=2,rounds=2,repeats=0")
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
    "protocol": PROTOCOL.as_dict(),
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

    def as_archive(self):
        raise NotImplementedError

    from_archive = as_archive


def cell(number):
    return SPACE.from_index(np.array([number]))[0]


def answers(*latencies_ms, first=100):
    """Candidates, most accurate first, that are predicted to take these times."""
    return [
        Answer(cell(first + place), 90.0 - place, latency_ms, 1.02 * latency_ms)
        for place, latency_ms in enumerate(latencies_ms)
    ]


class Phone:
    """Measures nothing: cells take what ``truth`` says, by number; tells what it was asked."""

    def __init__(self, truth, fails_at=None, failure=None):
        self.truth, self.asked = truth, []
        self.fails_at, self.failure = fails_at, failure or DeviceLost("gone")
        self.device = ScriptedDevice(self._script)

    def _script(self, name, number, runs):
        if (len(self.asked), number) == self.fails_at:
            raise self.failure
        level = {SENTINEL: 2.0, EMPTY: 0.01}.get(name)
        if level is None:
            level = self.truth[self.asked[-1][int(name.removeprefix("answer"))]]
        return Samples([level] * runs, [0.9 * level] * runs)

    def site(self, table=None):
        table = table or LookupTable("none", (SPACE,), {}, PROVENANCE)
        trade_off = TradeOff(SPACE, ByMacs(), table)
        return Site(trade_off, "scripted", self.device, SETTINGS, Plan((SPACE,), PROTOCOL))

    def take(self, genes):
        self.asked.append(SPACE.index(genes).tolist())
        return bench_of(self.site()).measure(genes, nullcontext(Progress()))


def nothing_else(budget_ms):
    return []


def numbers(found):
    return [int(SPACE.index(answer.genes[None])[0]) for answer in found]


# --- who answers -------------------------------------------------------------------------------


def test_answers_of_all_budgets_are_measured_together_and_kept_where_they_hold():
    phone = Phone({100: 9.0, 200: 19.0})
    candidates = [Candidates(10, answers(9.5)), Candidates(20, answers(19.5, first=200))]
    found = verify(candidates, "wall", phone.take, nothing_else)
    assert phone.asked == [[100, 200]]
    assert [numbers(found.final(each)) for each in candidates] == [[100], [200]]
    assert found.measured_ms(candidates[0].answers[0]) == pytest.approx(9.0)
    rounds = len(phone.device.sessions[0].orders) - 1
    assert rounds == 2 * PROTOCOL.rounds_min, "more rounds than a table's"


def test_budgets_are_compared_on_the_clock_of_the_table():
    phone = Phone({100: 10.5})
    candidates = [Candidates(10, answers(9.5))]
    on_cpu = verify(candidates, "cpu", phone.take, nothing_else)
    assert on_cpu.measured_ms(candidates[0].answers[0]) == pytest.approx(0.9 * 10.5)
    assert on_cpu.ratio(candidates) == pytest.approx(0.9 * 10.5 / 9.5)
    assert not on_cpu.missing(candidates[0])
    assert verify(candidates, "wall", phone.take, nothing_else).missing(candidates[0])


def test_one_that_misses_makes_way_for_the_next_that_should_hold():
    phone = Phone({100: 11.0, 102: 9.9, 200: 15.0})
    # 10 % off: 9.6 would take 10.56, 9.0 takes 9.9.
    candidates = [Candidates(10, answers(10.0, 9.6, 9.0)), Candidates(20, answers(19, first=200))]
    found = verify(candidates, "wall", phone.take, nothing_else)
    assert phone.asked == [[100, 200], [102]]
    assert numbers(found.final(candidates[0])) == [102]
    told = reply(candidates[0], found, Range(1, 100))
    assert told.results[0].measured_ms == pytest.approx(9.9)
    assert told.note == "more accurate ones missed the budget when measured (11 ms)"
    assert reply(candidates[1], found, Range(1, 100)).note is None


def test_new_candidates_are_asked_for_when_none_is_left():
    phone = Phone({100: 12.5, 300: 9.8})
    budgets = []

    def again(budget_ms):
        budgets.append(budget_ms)
        return answers(7.9, first=300)

    candidates = [Candidates(10, answers(10.0, 9.9))]
    found = verify(candidates, "wall", phone.take, again)
    assert budgets == [pytest.approx(8.0)]
    assert phone.asked == [[100], [300]]
    assert numbers(found.final(candidates[0])) == [300]


def test_of_a_budget_that_none_should_meet_the_fastest_is_tried():
    phone = Phone({100: 30.0, 103: 11.0})
    candidates = [Candidates(10, answers(9.9, 5.0, 4.0, 3.5))]
    found = verify(candidates, "wall", phone.take, nothing_else)
    assert phone.asked == [[100], [103]]
    told = reply(candidates[0], found, Range(1, 100))
    assert numbers([told.results[0].answer]) == [103]
    assert told.note == "none of those measured meets the budget (30, 11 ms); this is the nearest"


def test_attempts_are_limited():
    truth = {100 + place: 11.0 + place / 100 for place in range(9)}
    phone = Phone(truth)
    candidates = [Candidates(10, answers(*(10 * 0.9**place for place in range(9))))]
    found = verify(candidates, "wall", phone.take, nothing_else, attempts=3)
    assert len(phone.asked) == 3
    assert numbers(found.final(candidates[0])) == [min(asked[0] for asked in phone.asked)]


def test_several_are_answered_with_and_none_is_measured_twice():
    phone = Phone({100: 9.0, 101: 12.0, 102: 8.0, 103: 7.0})
    candidates = [Candidates(10, answers(9.0, 9.0, 8.0, 7.0)) for _ in range(2)]
    found = verify(candidates, "wall", phone.take, nothing_else, top=3)
    assert phone.asked == [[100, 101, 102], [103]]
    told = reply(candidates[0], found, Range(1, 100))
    assert numbers(result.answer for result in told.results) == [100, 102, 103]
    assert [result.name for result in told.results] == ["10ms-1", "10ms-2", "10ms-3"]


# --- failures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [DeviceLost("gone"), KeyboardInterrupt()])
def test_a_device_that_disappears_leaves_predictions(failure):
    phone = Phone({100: 9.0}, fails_at=(1, 1), failure=failure)
    candidates = [Candidates(10, answers(9.5))]
    found = verify(candidates, "wall", phone.take, nothing_else)
    assert found.ended is not None
    told = reply(candidates[0], found, Range(1, 100))
    assert (numbers([told.results[0].answer]), told.results[0].measured_ms) == ([100], None)


def test_what_was_measured_before_it_disappeared_counts():
    phone = Phone({100: 11.0, 200: 19.0, 101: 0}, fails_at=(2, 0))
    candidates = [Candidates(10, answers(9.9, 5)), Candidates(20, answers(19.5, first=200))]
    found = verify(candidates, "wall", phone.take, nothing_else)
    first, second = (reply(each, found, Range(1, 100)) for each in candidates)
    assert numbers([first.results[0].answer]) == [101]
    assert first.results[0].measured_ms is None
    assert second.results[0].measured_ms == pytest.approx(19.0)


# --- what budgets outside the range are told ----------------------------------------------------


def test_budgets_outside_the_range_are_noted():
    found, span = Verification("wall"), Range(10, 100)
    assert (
        "no network is known to run under 10 ms"
        in reply(Candidates(5, answers(9.8)), found, span).note
    )
    above = reply(Candidates(120, answers(80.0)), found, span).note
    assert above == "every network runs under 100 ms; 38.4 ms are left"
    assert reply(Candidates(50, answers(40)), found, span).note is None


# --- what the table learns ----------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path):
    table = replace(made_up_table(SPACE), provenance=PROVENANCE)
    table = replace(table, networks=tuple(made_up_networks(table)))
    write_cost_model(table, tmp_path / "t.json")
    return read_cost_model(tmp_path / "t.json")


def measured(phone, *cells):
    return phone.take(np.array([cell(number) for number in cells]))


def test_a_table_learns_from_what_was_measured_but_its_audit_does_not(stored):
    cells = range(1000, 1020)
    sums = stored._sum(np.array([cell(number) for number in cells]), SPACE)
    phone = Phone({number: 1.5 * ms for number, ms in zip(cells, sums.tolist(), strict=True)})
    assert learn(phone.site(stored), measured(phone, *cells)) == stored.path
    after = read_cost_model(stored.path)
    roles = [network.role for network in after.networks]
    assert roles.count("calibration") == 8 + len(cells)
    assert roles.count("audit") == 16
    assert after.networks[: len(stored.networks)] == stored.networks
    assert stored.calibration.slope < after.calibration.slope < 1.5
    assert set(after.networks[-1].latency_ms) == {"wall", "cpu"}


def test_the_scale_of_what_is_learnt_cancels_out_of_the_bounds(stored):
    genes = SPACE.sample(50, np.random.default_rng(1))
    twice = [
        replace(network, latency_ms={"wall": 2 * network.latency_ms["wall"]})
        if network.role == "calibration"
        else network
        for network in stored.networks
    ]
    slower = replace(stored, networks=tuple(twice))
    assert slower.latency_ms(genes) == pytest.approx(2 * stored.latency_ms(genes))
    assert slower.upper_bound_ms(genes) == pytest.approx(stored.upper_bound_ms(genes))


def test_measuring_again_replaces_and_never_grows_without_bound(stored):
    first = Phone({1000: 5.0, 1001: 6.0})
    learn(first.site(stored), measured(first, 1000, 1001))
    second = Phone({1000: 7.0})
    learn(second.site(stored), measured(second, 1000))
    networks = read_cost_model(stored.path).networks
    assert [network.latency_ms["wall"] for network in networks[-2:]] == pytest.approx([6.0, 7.0])
    assert len(networks) == len(stored.networks) + 2
    many = [Measured({"cell": str(number)}, "calibration", {"wall": 1.0}) for number in range(99)]
    grown = remembered(networks, many)
    assert len(grown) == len(stored.networks) + LEARNT
    assert grown[-1] == many[-1]
    assert remembered(grown, []) == grown


def test_networks_that_were_drawn_keep_their_role(stored):
    drawn = stored.networks[-1]
    again = Measured(drawn.arch, "calibration", {"wall": 99.0})
    assert remembered(stored.networks, [again]) == stored.networks


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
    phone = Phone({1000: 5.0})
    before = stored.path.read_bytes()
    assert learn(site(stored, phone), measured(phone, 1000)) is None
    assert stored.path.read_bytes() == before


def test_shipped_tables_are_left_as_they_are():
    shipped = read_cost_model("cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224")
    before = shipped.path.read_bytes()
    phone = Phone({1000: 5.0})
    site = replace(phone.site(), trade_off=None)
    object.__setattr__(site, "trade_off", type("T", (), {"cost": shipped})())
    assert learn(site, measured(phone, 1000)) is None
    assert shipped.path.read_bytes() == before


def test_doubtful_measurements_teach_nothing(stored):
    phone = Phone({1000: 5.0})
    doubtful = [replace(each, flags=["contended"]) for each in measured(phone, 1000)]
    before = json.loads(stored.path.read_text())
    assert learn(phone.site(stored), doubtful) is None
    assert json.loads(stored.path.read_text()) == before
