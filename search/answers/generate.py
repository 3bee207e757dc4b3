"""From budgets to networks: the models, who answers, today's speed, measured answers, files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from devices import Target
from luts import CostModel
from nasprof.durations import parse_milliseconds
from nasprof.errors import NasprofError, UsageError
from nasprof.log import logger
from profiler.measuring.interruption import Cancelled
from search.accuracy.answers import LowerBound
from search.accuracy.base import AccuracyModel
from search.accuracy.measurements import read_measurements
from search.answers.answerers.choice import ready_answerer
from search.answers.candidates import Candidates, candidates_for
from search.answers.context import Context
from search.answers.deployment import Deployment, resolve_deployment
from search.answers.export import Export
from search.answers.feedback import record_answers
from search.answers.replies import Replies, Reply, reply
from search.answers.request import AnswerProgress, GenerateOptions
from search.answers.speed import StatedSpeed, speed_for
from search.answers.verification import Verification
from search.answers.verify import verify_candidates, warn_of_doubts


def generate(
    budgets: float | str | Iterable[float | str],
    *,
    device: Target | str | None = None,
    lut: CostModel | Path | str | None = None,
    accuracy: AccuracyModel | Path | str = "imagenet",
    verify: bool | None = None,
    export: Export | None = None,
    options: GenerateOptions | None = None,
    progress: AnswerProgress | None = None,
) -> Replies:
    """The most accurate networks that run within latency budgets.

    What is missing is made first, and kept: the lookup table of this machine. Afterwards any
    budget is answered in about a second: by a generator where one is trained for the models (Guo
    et al. 2022, Sec. 3), else by local search, which is as accurate; ``options.by`` says otherwise.

    Args:
        budgets: latencies allowed, one or several: numbers are ms, text may name its unit, such
            as "110ms", "0.11s" or "450us".
        device: name of a profile, or a target; the one that ``lut`` was measured on, else this
            machine's processor, unless given.
        lut: cost model, its name or its file (.json); one's own table of the device unless given,
            which is built first if the device is in this machine.
        accuracy: accuracy model, its name or its file, or measurements (.csv: arch,top1).
        verify: whether answers are measured, and replaced where they miss their budget; devices
            in this machine measure them unless told otherwise.
        export: files to write of the networks.
        options: everything else.
        progress: told how far building, training and measuring have come.

    Returns:
        A reply a budget, in their order. Where a device failed, an interruption came or a file
        could not be written, they hold what there is, and ``error`` says what is missing.

    Raises:
        UsageError: a budget is no time, or models, device and options do not fit.
        NasprofError: the table of a device elsewhere is missing, or torch is, to train with.

    >>> options = GenerateOptions(generator="mine.npz", samples=16, speed="table")
    >>> table = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"
    >>> replies = generate(["12ms", 20.0], lut=table, verify=False, options=options)
    >>> [reply.best.upper_ms <= reply.budget_ms for reply in replies]
    [True, True]
    """
    options, progress = options or GenerateOptions(), progress or AnswerProgress()
    budgets_ms = parse_budgets(budgets)
    deployment = resolve_deployment(device, lut, accuracy, options, progress)
    measuring = deployment.local if verify is None else verify
    return answer_budgets(budgets_ms, deployment, measuring, export, options, progress)


def answer_budgets(
    budgets_ms: Sequence[float],
    deployment: Deployment,
    measuring: bool,
    export: Export | None,
    options: GenerateOptions,
    progress: AnswerProgress,
) -> Replies:
    """Replies to budgets at a deployment; see :func:`generate`.

    Args:
        measuring: whether answers are measured.
    """
    if export is not None:
        export = export.as_measured(deployment.plan)
        export.check(deployment.trade_off.space)
    plan = deployment.answer_plan(options.measuring_protocol) if measuring else None
    least = _lower_bound(deployment, options)
    ready = ready_answerer(deployment.trade_off, options, len(budgets_ms), progress)
    speed = speed_for(deployment, options.speed, measuring, progress)
    context = Context.at(deployment, ready.by, options.confidence, speed, least)
    propose = ready.proposing(deployment.trade_off, options, speed)
    candidates = candidates_for(budgets_ms, propose)
    stated = StatedSpeed.at(deployment, speed)
    verification = Verification(stated, options.top)
    if plan is not None:
        logger.info(f"Measuring the answers on {deployment.name!r}")
        measure = partial(deployment.measure, plan=plan, progress=progress)
        verification = verify_candidates(candidates, stated, measure, propose, top=options.top)
        warn_of_doubts(deployment, verification, candidates)
    replies = [reply(one_budget, verification, context) for one_budget in candidates]
    error = _export_error(replies, export) or _interruption(verification)
    if options.learn:
        error = _recording_error(deployment, candidates, verification) or error
    return Replies(replies, context, propose, error)


def parse_budgets(budgets: float | str | Iterable[float | str]) -> list[float]:
    """Budgets in ms, each once.

    Raises:
        UsageError: one of them is no time, or there is none.
    """
    several = [budgets] if isinstance(budgets, int | float | str) else budgets
    budgets_ms = list(dict.fromkeys(parse_milliseconds(budget) for budget in several))
    if not budgets_ms:
        raise UsageError("there is no budget to answer", 'Name one: generate("12ms").')
    return budgets_ms


def _lower_bound(deployment: Deployment, options: GenerateOptions) -> LowerBound | None:
    """What top-1 answers have at least, by those of which it was measured, if any was."""
    if options.measured_top1 is None:
        return None
    trade_off = deployment.trade_off
    measured = read_measurements(Path(options.measured_top1), trade_off.space.settings)
    return LowerBound.of(trade_off.accuracy, measured, options.confidence)


def _export_error(replies: Sequence[Reply], export: Export | None) -> NasprofError | None:
    """Write the files of all answers; what kept one from being written."""
    if export is None:
        return None
    try:
        export.write_results(result for reply in replies for result in reply.results)
    except NasprofError as error:
        # The answers themselves are told all the same.
        return error
    return None


def _interruption(verification: Verification) -> NasprofError | None:
    """That somebody ended the measurements, if so; a device that failed leaves predictions."""
    if isinstance(verification.ended, KeyboardInterrupt | Cancelled):
        return NasprofError("interrupted: not all answers were measured")
    return None


def _recording_error(
    deployment: Deployment, candidates: Sequence[Candidates], verification: Verification
) -> NasprofError | None:
    """Let the table remember what was measured, and say so; that it was interrupted, if so."""
    try:
        recorded = record_answers(deployment, candidates, verification)
    except NasprofError as error:
        logger.warning(f"The table could not remember what was measured: {error.message}")
        return None
    except KeyboardInterrupt:
        # It may have waited for another process; the answers themselves are told all the same.
        return NasprofError("interrupted: the table does not remember what was measured")
    if recorded is not None:
        path, count = recorded
        logger.info(f"{path} remembers {count} answer{'s' * (count > 1)} more")
    return None
