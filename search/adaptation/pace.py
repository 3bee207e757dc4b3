"""How many steps each adaptation has: as many as are asked for, or as there is time for."""

from __future__ import annotations

from dataclasses import dataclass, field

from search.adaptation.log import BEGUN, TransferLog
from search.adaptation.plan import Plan
from search.adaptation.settings import TransferSettings
from search.adaptation.spending import Spending


@dataclass
class Pace:
    """Decides how many steps an adaptation has, when it begins.

    What is trained changes with the archive, and with it what a step takes: where a time is given,
    every adaptation gets its share of the time that is left then. It is decided once, and kept.

    Args:
        plan: what was found out before the first one; None in a process that does not write.
        settings: how many adaptations and evaluations there are.
        log: what was decided and what it took.
        spending: of CPU seconds.
    """

    plan: Plan | None
    settings: TransferSettings
    log: TransferLog
    spending: Spending
    ends: list[int] = field(default_factory=list)
    """Steps taken at the end of each adaptation that has been decided on."""

    def __post_init__(self) -> None:
        for steps in self.log.begun:
            self.ends.append(self.taken + steps)

    @property
    def taken(self) -> int:
        """Steps of all adaptations that have been decided on."""
        return self.ends[-1] if self.ends else 0

    @property
    def total(self) -> int:
        """Steps of all adaptations, as far as is known; 0 where another process knows."""
        if self.plan is None:
            return 0
        left = self.settings.iterations - len(self.ends)
        last = self.log.begun[-1] if self.log.begun else self.plan.steps // self.settings.iterations
        return self.taken + left * max(last, 1)

    def decide(self, iteration: int) -> int:
        """Steps of an adaptation, from 0; 0 where another process decides."""
        if iteration < len(self.ends):
            return self.ends[iteration] - (self.ends[iteration - 1] if iteration else 0)
        if self.plan is None:
            return 0
        steps = self._fitting(iteration, self.plan)
        self.log.note(BEGUN, {"iteration": iteration, "steps": steps})
        return steps

    def agree(self, iteration: int, steps: int) -> None:
        """Take what all processes have agreed on."""
        if iteration == len(self.ends):
            self.ends.append(self.taken + steps)

    def _fitting(self, iteration: int, plan: Plan) -> int:
        iterations = self.settings.iterations
        if plan.seconds is None:
            return plan.steps * (iteration + 1) // iterations - plan.steps * iteration // iterations
        done = self.log.iterations
        networks = sum(one["networks"] for one in done)
        spent = self.spending.to_dict()
        searches = iterations - 1 - iteration + self.settings.final
        search_s = spent.get("search", 0.0) / len(done) if done else 0.0
        evaluations = self.settings.evaluations - networks
        waiting = evaluations * self._evaluation_s(plan) + searches * search_s
        left_s = plan.seconds - self.spending.total_s - waiting - plan.report_s
        return max(int(left_s / (iterations - iteration) / self._step_s(plan)), 1)

    def _step_s(self, plan: Plan) -> float:
        """CPU seconds of a step: of the last adaptation, or else as was tried."""
        iteration = len(self.log.iterations) - 1
        if iteration < 0:
            return plan.step_s
        steps = self.ends[iteration] - (self.ends[iteration - 1] if iteration else 0)
        seconds = self._last("training")
        return seconds / steps if seconds > 0 else plan.step_s

    def _evaluation_s(self, plan: Plan) -> float:
        """CPU seconds of an evaluation: of the last iteration, or else as was tried.

        In the first iteration are things that are done once, as decoding images.
        """
        done = self.log.iterations
        if not done:
            return plan.evaluation_s
        seconds = self._last("evaluation") / int(done[-1]["networks"])
        return seconds if done[1:] else min(seconds, plan.evaluation_s)

    def _last(self, what: str) -> float:
        """CPU seconds that the last iteration has spent on something."""
        spent: list[float] = [one["cpu_s"].get(what, 0.0) for one in self.log.iterations]
        return spent[-1] - (spent[-2] if spent[1:] else 0.0)
