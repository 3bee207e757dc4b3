"""What answers are of: the models, the device, its speed, and the range of budgets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from luts import TABLE_SPEED, Speed
from search.accuracy.answers import LowerBound
from search.answers.deployment import Deployment
from search.generators.answers import Answer
from search.objectives.trade_off import TradeOff
from spaces import Arch


@dataclass(frozen=True)
class Context:
    """What answers are of.

    Args:
        trade_off: the models of accuracy and latency.
        device: name of the device.
        by: name of the answerer.
        speed: of the device, which budgets and latencies are of.
        confidence: with which networks keep within their budgets.
        minimum_ms: what the fastest network takes at most; no network is within less.
        maximum_ms: what the slowest network takes at most.
        least: what top-1 answers have at least, where that of earlier ones was measured.
    """

    trade_off: TradeOff
    device: str
    by: str
    speed: Speed
    confidence: float
    minimum_ms: float
    maximum_ms: float
    least: LowerBound | None = None

    @classmethod
    def at(
        cls,
        deployment: Deployment,
        by: str,
        confidence: float,
        speed: Speed = TABLE_SPEED,
        least: LowerBound | None = None,
    ) -> Context:
        """What answers are of at a deployment's device."""
        trade_off = deployment.trade_off
        ends_ms = trade_off.budget_range(confidence, speed)
        return cls(trade_off, deployment.name, by, speed, confidence, *ends_ms, least)

    def lower_top1(self, answer: Answer) -> float | None:
        """What an answer has at least, in percent; None where that is not known."""
        return None if self.least is None else float(self.least.top1(np.array(answer.top1)))

    def arch(self, answer: Answer) -> Arch:
        """The architecture of an answer."""
        return self.trade_off.space.decode(answer.genes[None])[0]

    def heading(self) -> str:
        """The models, the device and its speed in a line."""
        speed, models = self.speed, self.trade_off
        at = "the table's speed"
        if speed.of == "today":
            at = f"today's speed ({speed.factor:.3f} of the table's times, {speed.low:.3f} to "
            at += f"{speed.high:.3f})"
        return (
            f"{models.space.label} on {self.device}: {models.accuracy.name}, {models.cost.name}, "
            f"{models.cost.clock} clock, {at}"
        )
