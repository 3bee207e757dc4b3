"""The network that is delivered, with its weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasprof.classification import Accuracy, accuracy
from nasprof.errors import UsageError
from nasprof.log import logger
from nasprof.normalisation import Normalisation
from nasprof.typing import JsonObject, Progress
from profiler.model_files.architectures import NamedArch, named_archs
from search.accuracy.base import AccuracyModel
from search.answers.generate import generate
from search.delivery.request import (
    BudgetRequest,
    DeliveryOptions,
    DeliveryProgress,
    DeliveryRequest,
)
from search.runs.evaluate_supernet import EvaluationProgress
from search.runs.supernet_accuracy import accuracy_of_supernet
from supernets import (
    DataSet,
    Evaluator,
    FineTuning,
    Recalibration,
    Subnet,
    Supernet,
    SupernetCard,
    fine_tune,
)
from supernets.checkpoint import read_card, read_supernet, weights_digest
from supernets.weights import calibration_pixels, images_for


@dataclass(frozen=True)
class Source:
    """A supernet and the images, made to fit each other, and which network is meant.

    Args:
        arch: the network, under the name of its files.
        supernet: in evaluation mode.
        card: its card; the classes are those of the outputs.
        data: the images, in the supernet's order of classes and with its normalisation.
        facts: what they are as they were read, see :meth:`supernets.DataSet.facts`.
        digest: of the supernet's weights.
    """

    arch: NamedArch
    supernet: Supernet
    card: SupernetCard
    data: DataSet
    facts: JsonObject
    digest: str

    @classmethod
    def of(cls, request: DeliveryRequest, arch: NamedArch) -> Source:
        """Read what was asked for.

        Raises:
            UsageError: supernet, images and architecture do not fit, or there are no test images.
        """
        supernet, card = read_supernet(request.supernet, arch.space)
        images = images_for(card, arch.space, request.data)
        card, data = aligned(card, images)
        data.split("test")
        return cls(arch, supernet, card, data, images.facts(), weights_digest(supernet.arrays()))


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with weights, and how accurate torch finds it.

    Args:
        source: what it was made from.
        subnet: itself.
        logits: what torch says of every test image, ``(n, classes)``.
        recalibrated_on: training images that its batch norm was recalibrated on.
        tuned: how it was trained further and what that did; None where it was not.
    """

    source: Source
    subnet: Subnet
    logits: NDArray[np.float32]
    recalibrated_on: int
    tuned: JsonObject | None = None

    @property
    def arch(self) -> NamedArch:
        """What it is, under the name of its files."""
        return self.source.arch

    @property
    def card(self) -> SupernetCard:
        """Of the supernet that it is of."""
        return self.source.card

    @property
    def data(self) -> DataSet:
        """The images."""
        return self.source.data

    @property
    def labels(self) -> NDArray[np.int64]:
        """Numbers of the right outputs of the test images, ``(n,)``."""
        return self.data.test.labels

    @property
    def accuracy(self) -> Accuracy:
        """As torch computes it."""
        return accuracy(self.logits, self.labels)

    @property
    def normalisation(self) -> Normalisation:
        """How its images are normalised."""
        return self.card.normalisation

    def calibration(self, n: int, raw: bool, seed: int) -> NDArray[np.uint8] | NDArray[np.float32]:
        """Training images ``(n, h, w, c)``, or as many as there are.

        Args:
            raw: pixels as they are, uint8, or float32 as the network sees them.
            seed: draws them.
        """
        images = calibration_pixels(self.data, n, seed)
        return images if raw else self.normalisation.normalised(images)


def trained_network(
    source: Source, options: DeliveryOptions, progress: DeliveryProgress
) -> TrainedNetwork:
    """The network with weights of the supernet, and batch-norm statistics of its own.

    Raises:
        LossInvalid: it was to be trained further, and the loss became no number.
    """
    data = source.data
    recalibration = Recalibration(options.recalibration, seed=options.seed)
    evaluator = Evaluator(source.supernet, source.card, data, recalibration=recalibration)
    subnet, tuned = evaluator.recalibrated(source.arch.genes), None
    if options.fine_tuning is not None:
        further = _Further(source, evaluator, options.fine_tuning)
        subnet, tuned = further.trained(subnet, progress.fine_tuning)
    return TrainedNetwork(
        source=source,
        subnet=subnet,
        logits=evaluator.logits(subnet),
        recalibrated_on=min(options.recalibration, len(data.train)),
        tuned=tuned,
    )


@dataclass(frozen=True)
class _Further:
    """Trains a network of a supernet further, alone.

    Args:
        source: of the network.
        evaluator: recalibrates.
        settings: how.
    """

    source: Source
    evaluator: Evaluator
    settings: FineTuning

    def trained(self, subnet: Subnet, progress: Progress) -> tuple[Subnet, JsonObject]:
        """The network, recalibrated, and what was done and came of it."""
        largest = self.evaluator.recalibrated(self.source.supernet.largest)
        before, most = self._top1(subnet), self._top1(largest)
        # One that knows no more than its pupil would keep it from learning more.
        teaches = before is None or most is None or most > before
        learned = self.evaluator.recalibrate(
            fine_tune(
                subnet,
                self.source.data,
                self.settings,
                teacher=largest.folded() if teaches else None,
                progress=progress,
            )
        )
        tuned = self.settings.to_dict() | {"teacher": "largest" if teaches else None}
        after = self._top1(learned)
        if before is None or after is None:
            return learned, tuned
        if after < before:
            logger.warning(
                f"Fine-tuning has made the network worse: {after:.2f} % of the validation images "
                f"instead of {before:.2f} %. Lower the learning rate, or leave it out."
            )
        return learned, tuned | {"validation_before": before, "validation_after": after}

    def _top1(self, subnet: Subnet) -> float | None:
        """Of validation images, in percent; None where there are none."""
        if not len(self.source.data.validation):
            return None
        validation = self._validation
        return accuracy(validation.logits(subnet), validation.labels).top1

    @cached_property
    def _validation(self) -> Evaluator:
        source = self.source
        return Evaluator(source.supernet, source.card, source.data, split="validation")


def chosen_arch(request: DeliveryRequest, progress: DeliveryProgress) -> NamedArch:
    """The one architecture that was named, or that a budget is answered with.

    Raises:
        UsageError: there is not one, or no network is within the budget.
    """
    if isinstance(request.arch, BudgetRequest):
        return _within_budget(request.arch, request, progress)
    archs = named_archs(request.arch)
    if len(archs) != 1:
        raise UsageError(
            f"{len(archs)} architectures cannot be delivered at once", "Give one of them."
        )
    return archs[0]


def _within_budget(
    budget_request: BudgetRequest, request: DeliveryRequest, progress: DeliveryProgress
) -> NamedArch:
    (reply,) = replies = generate(
        budget_request.budget,
        device=request.device,
        lut=budget_request.lut,
        accuracy=_accuracy(budget_request, request, progress),
        verify=budget_request.verify,
        options=budget_request.options,
        progress=progress,
    )
    replies.raise_for_error()
    context, best = reply.context, reply.best
    if reply.budget_ms < context.minimum_ms:
        raise UsageError(
            f"no network of {context.trade_off.space.label} is known to run under "
            f"{reply.budget_ms:g} ms on {context.device}: the fastest takes up to "
            f"{context.minimum_ms:.4g} ms",
            f"Allow at least {context.minimum_ms:.4g} ms.",
        )
    if reply.note is not None:
        logger.warning(f"{reply.budget_ms:g} ms: {reply.note}")
    return NamedArch(best.name, context.trade_off.space, best.arch)


def _accuracy(
    budget_request: BudgetRequest, request: DeliveryRequest, progress: DeliveryProgress
) -> AccuracyModel | Path | str:
    if budget_request.accuracy is not None:
        return budget_request.accuracy
    if isinstance(request.data, DataSet) or read_card(Path(request.supernet)) is None:
        return "imagenet"
    watched = EvaluationProgress(networks=progress.evaluating)
    resolution = budget_request.options.resolution
    return accuracy_of_supernet(request.supernet, request.data, watched, resolution)


def aligned(card: SupernetCard, data: DataSet) -> tuple[SupernetCard, DataSet]:
    """Card and images with the same classes in the order of the outputs, and one normalisation.

    Raises:
        UsageError: the images are of other classes.
    """
    card.require_data(data)
    if not card.data:  # names of outputs are not known
        card = replace(card, classes=data.classes)
    numbers = card.outputs_of(data)
    train, validation, test = (
        replace(split, labels=numbers[split.labels]) for split in data.splits
    )
    data = replace(
        data,
        classes=card.classes,
        normalisation=card.normalisation,
        train=train,
        validation=validation,
        test=test,
    )
    return card, data


def agreement(own: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Percent of images ``(n, classes)`` that two networks find the same class for."""
    return 100 * float((own.argmax(axis=1) == other.argmax(axis=1)).mean())
