"""Accuracy of a supernet's networks, evaluated on labelled images.

What evaluates them is known by the digest of its weights and the fingerprint of its images, so
that it can be given to other processes, which load both and refuse others.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from nasprof.classification import Accuracy
from nasprof.errors import NasprofError, UsageError
from nasprof.log import ONCE, logger
from nasprof.typing import Array, JsonObject, Progress
from search.accuracy.files import accuracy_files
from search.objectives.images import LabelledImages, changed, differing
from search.problem import EvaluationImpossible
from spaces import Genes, Space
from supernets.checkpoint import read_supernet, weights_digest
from supernets.data.pictures import ImageUnreadable

if TYPE_CHECKING:
    from supernets.card import SupernetCard
    from supernets.data import DataSet
    from supernets.evaluation import Evaluation, Evaluator
    from supernets.supernet import Supernet

_ALWAYS = (".safetensors", ".pt", ".tar")
_NEVER = (".csv", ".gz", ".json", ".npz")
_KEPT = 16
_loaded: OrderedDict[SupernetEvaluator, _ByResolution] = OrderedDict()
"""Those of this process, the latest last."""


def is_supernet(name: str) -> bool:
    """Whether a name is that of a file with weights, rather than of an accuracy model.

    ``.pth`` may be both; OFA publishes its supernets without any suffix.
    """
    path = Path(name)
    if path.suffix in _ALWAYS or path.suffix in _NEVER:
        return path.suffix in _ALWAYS
    if not path.is_file() or name in accuracy_files.known():
        return False
    return path.suffix != ".pth" or _has_convolutions(path)


def _has_convolutions(path: Path) -> bool:
    from nasprof.tensors import read_tensors

    try:
        return any(array.ndim == 4 for array in read_tensors(path).values())
    except UsageError:
        return False  # whoever reads accuracy models says what is wrong with it


@dataclass(frozen=True, eq=False)
class SupernetFile:
    """A supernet that was read from a file.

    Args:
        path: of the file.
        digest: of its weights.
    """

    path: Path
    supernet: Supernet
    card: SupernetCard
    digest: str

    @classmethod
    def read(cls, path: str | Path, space: Space | None = None) -> Self:
        """The supernet in a file.

        Args:
            space: that it must be of, whatever its resolution; the file's own unless given.

        Raises:
            UsageError: it cannot be read, or is of another space.
        """
        supernet, card = read_supernet(path, space)
        return cls(Path(path), supernet, card, weights_digest(supernet.arrays()))

    def at(self, resolution: int | None) -> Space:
        """Its space at a resolution, its own unless given.

        Raises:
            UsageError: the space has no such resolution.
        """
        if resolution is None:
            return self.card.space
        return self.card.space.with_settings(resolution=resolution)

    def evaluator(
        self, images: LabelledImages, space: Space, progress: Progress | None = None
    ) -> SupernetEvaluator:
        """What evaluates its networks, loaded in this process.

        Args:
            space: of the networks: its own, at any resolution or at several; images of the
                largest are read at once, others when a network is to see them.
            progress: told how many images have been looked at.

        Raises:
            UsageError: space or images do not fit, or cannot be read.
        """
        resolved = images.resolved(self.card.in_space(space).data)
        data = resolved.read(space.input_shape, progress)
        self._warn_of(data)
        return self.evaluator_on(resolved, data, space)

    def evaluator_on(
        self,
        images: LabelledImages,
        data: DataSet,
        space: Space | None = None,
        device: str = "cpu",
    ) -> SupernetEvaluator:
        """The same on images that this process has read before.

        Args:
            images: what they are, for other processes.
            data: the images, at any size.
            space: of the networks; the supernet's own unless given.
            device: of torch, in this process.

        Raises:
            UsageError: they are of other classes than the supernet's.
        """
        own, path = space or self.card.space, str(self.path.absolute())
        evaluator = SupernetEvaluator(path, self.digest, own, images, data.fingerprint)
        loaded = _ByResolution(self, images, data, device)
        loaded.at(own.members[-1])
        _keep(evaluator, loaded)
        return evaluator

    def _warn_of(self, data: DataSet) -> None:
        """Say so where images that are classified may be among those of the training."""
        if self.card.data.get("fingerprint") not in {None, data.fingerprint}:
            logger.warning(
                f"{data.name} is not what {self.path.name} was trained on, or is split otherwise: "
                "images of any split may be among those of the training",
                extra=ONCE,
            )

    def facts(self, evaluator: SupernetEvaluator) -> JsonObject:
        """What accuracies depend on, as JSON values."""
        images = evaluator.images
        return {
            "supernet": self.path.name,
            "weights": self.digest,
            "normalisation": self.card.normalisation.to_dict(),
            "data": Path(images.source).name,
            "fingerprint": evaluator.fingerprint,
            "split": images.split,
            **({} if images.most is None else {"most": images.most}),
            "recalibration": images.recalibration.to_dict(),
        }


@dataclass(frozen=True)
class SupernetEvaluator:
    """Evaluates networks of a supernet on images, both loaded where it is first asked to.

    Args:
        path: of the supernet's file, absolute.
        weights: digest that its weights must have.
        space: of the networks.
        images: resolved.
        fingerprint: that the images must have.
    """

    path: str
    weights: str
    space: Space
    images: LabelledImages
    fingerprint: str

    def evaluate(self, genes: Genes) -> list[Evaluation]:
        """The accuracy of each network ``(n, n_genes)``.

        Raises:
            EvaluationImpossible: weights or images cannot be read any more, or are others now.
            NasprofError: a network's weights give no numbers.
        """
        with self._unchanged_images():
            return [evaluator.evaluate(own) for evaluator, own in map(self._located, genes)]

    def top1(self, genes: Genes) -> Array:
        """Top-1 accuracy of each network ``(n, n_genes)`` in percent: ``(n,)``."""
        return np.array([one.accuracy.top1 for one in self.evaluate(genes)], np.float64)

    def inherited(self, genes: Genes) -> Accuracy:
        """The accuracy of the network ``(n_genes,)`` by the statistics that it shares with all.

        Raises:
            EvaluationImpossible: as :meth:`evaluate`.
            NasprofError: likewise.
        """
        with self._unchanged_images():
            evaluator, own = self._located(genes)
            return evaluator.inherited(own)

    @contextmanager
    def _unchanged_images(self) -> Iterator[None]:
        """Within, no architecture is to blame for a picture that is not what it was."""
        try:
            yield
        except ImageUnreadable as error:
            raise changed(str(self.images.source), "images", error.message) from error

    def _located(self, genes: Genes) -> tuple[Evaluator, Genes]:
        """What evaluates the network ``(n_genes,)``, and its genes at its resolution."""
        ((member, _, own),) = self.space.by_member(genes[None])
        return self.evaluator(member), own[0]

    def evaluator(self, member: Space | None = None) -> Evaluator:
        """What evaluates networks of one resolution in this process.

        Args:
            member: one of ``space.members``, the last unless given.

        Raises:
            EvaluationImpossible: weights or images cannot be read any more, or are others now.
        """
        try:
            if self not in _loaded:
                _keep(self, self._load())
            return _loaded[self].at(member or self.space.members[-1])
        except EvaluationImpossible:
            raise
        except NasprofError as error:
            remedy = error.remedy or "Every process reads weights and images at their paths."
            raise EvaluationImpossible(error.message, remedy) from error

    def _load(self) -> _ByResolution:
        file = SupernetFile.read(self.path, self.space)
        if file.digest != self.weights:
            raise changed(self.path, "weights", differing(self.weights, file.digest))
        data = self.images.read_once(self.space.input_shape, self.fingerprint)
        return _ByResolution(file, self.images, data)


class _ByResolution:
    """Evaluators of one supernet, one a resolution, each made when it is first asked for.

    Args:
        file: the supernet.
        images: how they are looked at.
        data: the images, at any size.
        device: of torch.
    """

    def __init__(
        self, file: SupernetFile, images: LabelledImages, data: DataSet, device: str = "cpu"
    ) -> None:
        self._file, self._images, self._data, self._device = file, images, data, device
        self._known: dict[Space, Evaluator] = {}

    def at(self, member: Space) -> Evaluator:
        """That of a space of one resolution.

        Raises:
            UsageError: images and supernet do not fit each other.
        """
        from supernets.evaluation import Evaluator

        if member not in self._known:
            self._known[member] = Evaluator(
                self._file.supernet.in_space(member),
                self._file.card.in_space(member),
                self._data.at(member.input_shape).limited(self._images.split, self._images.most),
                split=self._images.split,
                recalibration=self._images.recalibration,
                device=self._device,
            )
        return self._known[member]


def _keep(key: SupernetEvaluator, loaded: _ByResolution) -> None:
    _loaded[key] = loaded
    _loaded.move_to_end(key)
    if len(_loaded) > _KEPT:
        _loaded.popitem(last=False)
