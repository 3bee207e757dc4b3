"""From images and a supernet to networks that were trained for them.

Lu et al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from nasprof.errors import UsageError
from nasprof.log import logger
from nasprof.signals import interruption_behind
from nasprof.typing import JsonObject
from search.adaptation.account import Account
from search.adaptation.algorithm import Algorithm
from search.adaptation.learner import Task
from search.adaptation.log import PLANNED, TransferLog, finished_record
from search.adaptation.pace import Pace
from search.adaptation.plan import Plan, plan
from search.adaptation.request import TransferProgress, TransferRequest
from search.adaptation.result import TransferResult
from search.adaptation.spending import Spending
from search.adaptation.values import Objectives, never_asked
from search.adaptation.workers import Workers
from search.objectives import objectives_of
from search.objectives.supernet_accuracy import SupernetFile
from search.problem import Objective, Problem
from spaces import Space
from supernets.checkpoint import weights_digest
from supernets.supernet import with_classes
from supernets.training.parallel import is_first

LOG = "transfer.jsonl"
"""In the folder of a transfer, what it has done so far."""


def transfer(
    request: TransferRequest, *, progress: TransferProgress | None = None
) -> TransferResult:
    """Adapt a supernet to images while its networks are searched.

    An interrupted transfer goes on when it is called for again, to the same result (on a CPU, with
    the same versions). Started by ``torchrun``, its processes train together.

    Args:
        request: from which supernet, to which images, for which objectives.
        progress: whom to tell how far it has come.

    Returns:
        The adapted supernet, and the networks that none dominates, with their accuracy on all
        validation images and on the test images, which nothing else has looked at.

    Raises:
        UsageError: supernet, images and objectives do not fit each other, or another transfer was
            begun in the folder.
        NasprofError: the loss became no number, memory was too little, or a file cannot be
            written; what was done is kept.
        KeyboardInterrupt: it was interrupted; the same call goes on.

    >>> from search import TransferOptions, TransferRequest
    >>> from spaces import get_space
    >>> from supernets import Supernet, SupernetCard, read_data, write_supernet
    >>> space = get_space("nasbench201", classes=10, cells=1, resolution=8)
    >>> digits = read_data("digits", (8, 8, 3))
    >>> card = SupernetCard(space, digits.classes, digits.normalisation)
    >>> write_supernet(Path("S.safetensors"), Supernet(space), card)  # one that was trained, rather
    >>> few = {"iterations": 1, "initial": 4, "archive": 4, "final": 0}
    >>> hardly = TransferOptions(steps=2, settings=few)
    >>> result = transfer(TransferRequest("S.safetensors", "digits", "adapted", options=hardly))
    >>> result.path.name, len(result.iterations)
    ('supernet.safetensors', 1)
    """
    progress = progress or TransferProgress()
    options = request.options
    spending = Spending(before_s=options.spent_s)
    space = _space(request)
    tasks = _tasks(request, space, progress)
    problem = _problem(request, tasks)
    facts = _facts(request, problem, tasks)
    path = Path(request.output) / LOG
    with ExitStack() as stack:
        # Only one process writes; the others are told by it.
        own = path if is_first() else None
        log = stack.enter_context(TransferLog(own, facts, fresh=options.fresh))
        done = log.finished or (None if is_first() else finished_record(path))
        if done is not None and not options.fresh:
            logger.info(f"{path.parent} is finished already; --fresh begins anew")
            return _result(tasks, done["record"])
        spending.earlier = log.iterations[-1]["cpu_s"] if log.iterations else {}
        recipe = options.training_recipe
        if own is not None and log.plan is None:
            log.note(PLANNED, plan(tasks, recipe, options).to_dict())
        planned = None if log.plan is None else Plan.from_dict(log.plan)
        settings = options.transfer_settings
        pace = Pace(planned, settings, log, spending)
        learners = [stack.enter_context(task.learner(recipe, options)) for task in tasks]
        for learner in learners:
            learner.begin(pace.total, settings.iterations, progress)
        workers = stack.enter_context(closing(Workers(options, progress, spending)))
        objectives = Objectives(problem, learners, log, options, workers, spending)
        account = Account(objectives, options, progress)
        algorithm = Algorithm(objectives, settings, pace, options.seed)
        algorithm.ended = partial(account.ended, algorithm)
        try:
            genes, values = algorithm.run()
            return _result(tasks, account.finished(algorithm, genes, values))
        except BaseException as error:
            if own is not None and interruption_behind(error) is not None:
                logger.warning(f"what was done is kept in {path.parent}; the same command goes on")
            raise


# --- before it begins -----------------------------------------------------------------------------


def _space(request: TransferRequest) -> Space:
    """The space that is searched: the supernet's own unless another one is asked for."""
    file = SupernetFile.read(request.supernet)
    models = request.models
    if models.space is None:
        return file.at(models.resolution)
    return with_classes(models.space, len(file.card.classes))


def _tasks(request: TransferRequest, space: Space, progress: TransferProgress) -> list[Task]:
    """Every data set, with a supernet of its own."""
    output, names = Path(request.output), request.data_names
    tasks = []
    for name, source in zip(names, request.sources, strict=True):
        path = output / ("supernet.safetensors" if len(names) == 1 else f"{name}.safetensors")
        tasks.append(
            Task.of(name, source, request.supernet, space, path, request.options, progress)
        )
    return tasks


def _problem(request: TransferRequest, tasks: list[Task]) -> Problem:
    """Accuracies first, one a data set, then what no weights change.

    Raises:
        UsageError: no accuracy is asked for, or an objective is not known.
    """
    names = list(request.names)
    if "top1" not in names:
        raise UsageError(
            f"the objectives of a transfer are {', '.join(names)}, without accuracy",
            "Name it among them: top1.",
        )
    several = len(tasks) > 1
    accuracies = [
        Objective(
            f"top1@{task.name}" if several else "top1",
            "%",
            never_asked,
            maximise=True,
            kind="evaluated",
        )
        for task in tasks
    ]
    others = [name for name in names if name != "top1"]
    space = tasks[0].supernet.space
    if not others:
        return Problem(space, tuple(accuracies))
    found, objectives = objectives_of(others, request.models_in(space))
    return Problem(found, (*accuracies, *objectives))


def _facts(request: TransferRequest, problem: Problem, tasks: list[Task]) -> JsonObject:
    """What a transfer that goes on must have in common with how it was begun."""
    options = request.options
    return {
        "space": problem.space.settings,
        "objectives": [objective.to_dict() for objective in problem.objectives],
        "data": {
            task.name: {
                "classes": len(task.data.classes),
                "fingerprint": task.data.fingerprint,
                "recalibration": task.images.recalibration.to_dict(),
            }
            for task in tasks
        },
        "weights": [weights_digest(task.supernet.arrays()) for task in tasks],
        "settings": options.transfer_settings.to_dict(),
        "recipe": options.training_recipe.to_dict(),
        "length": options.length,
        "seed": options.seed,
    }


def _result(tasks: list[Task], record: JsonObject) -> TransferResult:
    supernets = {task.name: task.path for task in tasks}
    sources = {task.name: task.images.source for task in tasks}
    return TransferResult(tasks[0].path, supernets, sources, record)
