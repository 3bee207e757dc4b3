"""How many steps there is time for, and where time went."""

from __future__ import annotations

import time

import pytest

from search.adaptation.log import TransferLog
from search.adaptation.pace import Pace
from search.adaptation.plan import Plan
from search.adaptation.settings import settings_of
from search.adaptation.spending import Spending

SETTINGS = settings_of("nat", changes={"iterations": 4, "final": 0})
PLAN = Plan(steps=400, validation=100, seconds=1000.0, step_s=1.0, evaluation_s=1.0, report_s=0.0)


def busy(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def paced(*iterations):
    """A pace after iterations, each with what was spent in it and networks evaluated in it."""
    log, spent = TransferLog(None, {}), {}
    for number, (own, networks) in enumerate(iterations):
        spent = {what: spent.get(what, 0.0) + seconds for what, seconds in own.items()}
        log.begun.append(100)
        log.iterations.append({"iteration": number + 1, "networks": networks, "cpu_s": spent})
    return Pace(PLAN, SETTINGS, log, Spending(earlier=spent))


def test_what_is_done_once_does_not_count_for_every_evaluation():
    evaluations = SETTINGS.evaluations
    pace = paced(({"training": 100.0, "evaluation": 300.0}, 12))
    # 1 s each, as was tried, and not 300 / 12.
    assert pace.decide(1) == pytest.approx((1000 - 400 - (evaluations - 12)) / 3, abs=1)


def test_what_steps_and_evaluations_take_now_decides():
    evaluations = SETTINGS.evaluations
    first, second = {"training": 100.0, "evaluation": 100.0}, {"training": 50.0, "evaluation": 36.0}
    pace = paced((first, 12), (second, 18))
    left = 1000 - 286 - 2.0 * (evaluations - 30)
    assert pace.decide(2) == pytest.approx(left / 2 / 0.5, abs=1)


def test_every_adaptation_has_a_step_though_there_is_no_time_left():
    assert paced(({"training": 5000.0, "evaluation": 1.0}, 12)).decide(1) == 1


def test_seconds_belong_to_what_is_being_worked_on():
    spending = Spending(before_s=2.0)
    with spending.on("training"):
        busy(0.05)
        with spending.on("evaluation"):
            spending.elsewhere(7.0)
    spending.elsewhere(1.0)
    told = spending.to_dict()
    assert told["evaluation"] == pytest.approx(7.0, abs=0.01)
    assert 0.02 < told["training"] < 7  # it is counted in hundredths
    assert told["other"] == pytest.approx(3.0, abs=0.5)
    assert sum(told.values()) == pytest.approx(spending.total_s, abs=0.1)
