"""Accuracy against latency over the whole range of a device."""

from __future__ import annotations

from pathlib import Path

from devices import Target
from luts import CostModel
from nasprof.errors import UsageError
from search.accuracy.base import AccuracyModel
from search.answers.answerers.choice import ready_answerer
from search.answers.candidates import spread_budgets
from search.answers.context import Context
from search.answers.deployment import resolve_deployment
from search.answers.replies import Front, Reply, Result
from search.answers.request import AnswerOptions, AnswerProgress


def front(
    points: int = 20,
    *,
    device: Target | str | None = None,
    lut: CostModel | Path | str | None = None,
    accuracy: AccuracyModel | Path | str = "imagenet",
    options: AnswerOptions | None = None,
    progress: AnswerProgress | None = None,
) -> Front:
    """Which accuracy each latency buys: answers to budgets over the whole range of a device.

    Nothing is measured. What is missing is made first, as by :func:`search.generate`.

    Args:
        points: budgets, evenly spread from the fastest network to the slowest, at least 2.
        device: name of a profile, or a target; as for :func:`search.generate`.
        lut: cost model, its name or its file; one's own table of the device unless given.
        accuracy: accuracy model, its name or its file.
        options: everything else.
        progress: told how far building and training have come.

    Returns:
        A reply a budget, with the most accurate network within it.

    Raises:
        UsageError: models, device and options do not fit.
        NasprofError: the table of a device elsewhere is missing, or torch is, to train with.

    >>> options = AnswerOptions(generator="mine.npz", samples=16)
    >>> replies = front(3, lut="cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224", options=options)
    >>> fastest, _, slowest = [reply.best.top1 for reply in replies]
    >>> fastest < slowest
    True
    """
    if points < 2:
        raise UsageError(f"points is {points}, expected at least 2")
    options, progress = options or AnswerOptions(), progress or AnswerProgress()
    deployment = resolve_deployment(device, lut, accuracy, options, progress)
    trade_off = deployment.trade_off
    ready = ready_answerer(trade_off, options, points, progress)
    context = Context.at(deployment, ready.by, options.confidence)
    propose = ready.proposing(trade_off, options)
    budgets_ms = spread_budgets(context.minimum_ms, context.maximum_ms, points)
    replies = [
        Reply(budget_ms, context, [Result("", context, answers[0])])
        for budget_ms, answers in zip(budgets_ms, propose(budgets_ms), strict=True)
    ]
    return Front(replies, context, propose)
