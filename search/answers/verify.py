"""Answers measured on the device: who misses the budget makes way for the next.

What is compared with a budget is the latency at the speed of the device that was stated when it
was answered: the multiple of the sentinel, which ran in turns with it, times what the sentinel
takes at that speed. The clock alone would tell of the device's moods as well.

After a miss the next candidate is the most accurate one that should hold if predictions were off
as they were found to be, over all budgets together. Where no candidate is left, new ones are asked
for within a budget smaller by that much. To accept what was measured to hold is a selection of
lucky measurements; so what is accepted is measured once more, and that number is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import TypeAlias

import numpy as np

from devices import DeviceError
from nasprof.log import logger
from profiler.measuring.interruption import Interrupted
from profiler.measuring.records import Measurement
from profiler.measuring.schedule import INCOMPLETE
from search.answers.candidates import Candidates, Propose, key
from search.answers.deployment import Deployment
from search.answers.speed import StatedSpeed
from search.answers.verification import Verification
from search.generators.answers import Answer
from spaces import Genes

ATTEMPTS = 4
"""Rounds of measurements in all, before what is accepted is measured once more."""
REPEATS = 2
"""How often what was measured with doubts is measured again."""
_USUAL = 1.15
"""Ratio of two latencies or speeds that is nothing to be told of."""

Measure: TypeAlias = Callable[[Genes], list[Measurement]]
"""Measures architectures ``(n, n_genes)`` together."""


def verify_candidates(
    candidates: Sequence[Candidates],
    stated: StatedSpeed,
    measure: Measure,
    propose: Propose,
    *,
    top: int = 1,
    attempts: int = ATTEMPTS,
    confirm: bool = True,
) -> Verification:
    """Measure the best candidates of all budgets together, and the next ones where some miss.

    What is accepted is then measured once more, unless not to ``confirm``. A device that fails and
    Ctrl-C end it early; what was measured until then is kept.

    Args:
        stated: the speed that budgets are of.
        propose: asked for further candidates where all of a budget's miss it.
        top: how many architectures each budget is answered with.
        attempts: rounds of measurements, at most.
    """
    verification = Verification(stated, top)
    for _ in range(attempts):
        pooled = float(np.median(verification.ratios(candidates) or [1.0]))
        for one_budget in candidates:
            excess = verification.excess(one_budget, pooled)
            misses = verification.missing(one_budget)
            if misses and len(verification.expected(one_budget, excess)) < top:
                one_budget.add(propose([one_budget.budget_ms / excess])[0])
        chosen = [
            answer
            for one_budget in candidates
            for answer in verification.chosen(one_budget, pooled)
        ]
        untried = [answer for answer in chosen if key(answer) not in verification.measurements]
        if not untried or not _measure(verification, untried, measure, verification.measurements):
            break
    accepted = [answer for one_budget in candidates for answer in verification.final(one_budget)]
    if confirm and verification.ended is None and accepted:
        _measure(verification, accepted, measure, verification.confirmations)
    return verification


def _measure(
    verification: Verification,
    answers: Sequence[Answer],
    measure: Measure,
    into: dict[bytes, Measurement],
) -> bool:
    """Measure answers together, those with doubts again; whether that went well."""
    pending = list({key(answer): answer for answer in answers}.values())
    for _ in range(1 + REPEATS):
        results: Sequence[Measurement] = []
        named = {f"answer{number}": answer for number, answer in enumerate(pending)}
        try:
            results = measure(np.stack([answer.genes for answer in pending]))
        except Interrupted as error:
            results = [result for result in error.measurements if INCOMPLETE not in result.flags]
            verification.ended = error
        except (DeviceError, KeyboardInterrupt) as error:
            verification.ended = error
        into |= {key(named[result.name]): result for result in results}
        pending = [named[result.name] for result in results if result.flags]
        if verification.ended is not None or not pending:
            break
    return verification.ended is None


def warn_of_doubts(
    deployment: Deployment, verification: Verification, candidates: Sequence[Candidates]
) -> None:
    """Say where measured latencies are far from predicted ones, or are doubtful themselves."""
    if verification.ended is not None:
        why = getattr(verification.ended, "message", "interrupted")
        logger.warning(
            f"Verifying ended early ({why}): answers that were not measured are predictions"
        )
    flags = {flag for result in verification.measurements.values() for flag in result.flags}
    if flags:
        logger.warning(f"Doubts about what was measured: {', '.join(sorted(flags))}")
    drift = verification.drift()
    if drift is not None and not 1 / _USUAL < drift < _USUAL:
        logger.warning(
            f"While answers were measured {deployment.name!r} took {drift:.2f} times as long as "
            "stated; measured latencies are brought to the speed stated by the sentinel"
        )
    ratios = verification.ratios(candidates)
    if ratios and not 1 / _USUAL < median(ratios) < _USUAL:
        _warn_of_table(deployment, median(ratios), doubtful=bool(flags))


def _warn_of_table(deployment: Deployment, ratio: float, doubtful: bool) -> None:
    cost = deployment.trade_off.cost
    logger.warning(f"Careful with {cost.name!r}: networks take {ratio:.2f} times what it predicts")
    if deployment.changed:
        logger.warning(
            "Measure a table of this device as it is: leave out --lut, or nasprof build-lut"
        )
    elif not doubtful:
        path = getattr(cost, "path", None) or cost.name
        logger.warning(f"Calibrate it anew: nasprof audit {path} --update")
