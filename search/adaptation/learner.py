"""A supernet on its way from one data set to another, and the accuracy of its networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import NasprofError
from search.adaptation.request import TransferOptions, TransferProgress
from search.objectives.images import LabelledImages
from search.objectives.supernet_accuracy import SupernetEvaluator, SupernetFile
from spaces import Genes, Space
from supernets import DataSet, Supernet, SupernetCard
from supernets.checkpoint import read_card, weights_digest, write_supernet
from supernets.recalibration import Recalibration
from supernets.supernet import with_classes
from supernets.training.recipe import Recipe
from supernets.training.run import Run
from supernets.training.schemes.drawn import Drawn
from supernets.training.session import Session, training_session
from supernets.training.start import take_weights
from supernets.training.states import state_path

Draw = Callable[[int, np.random.Generator], Genes]


@dataclass(frozen=True)
class Task:
    """Images of one kind, and a supernet that can learn to tell them apart.

    Args:
        name: of the data set.
        data: the images.
        images: the same for evaluations, also by other processes.
        supernet: with the weights that the adaptation begins with.
        path: of the adapted supernet.
    """

    name: str
    data: DataSet
    images: LabelledImages
    supernet: Supernet
    path: Path

    @classmethod
    def of(
        cls,
        name: str,
        source: Path | str,
        supernet: Path | str,
        space: Space,
        path: Path,
        options: TransferOptions,
        progress: TransferProgress,
    ) -> Task:
        """Read the images, and the weights to begin with.

        Raises:
            UsageError: one of them cannot be read, or they do not fit each other.
        """
        recalibration = Recalibration(options.transfer_settings.recalibration, seed=options.seed)
        images = LabelledImages(
            source, recalibration=recalibration, seed=options.seed, options=options.data
        ).resolved({})
        data = images.read(space.input_shape, progress.reading)
        data.split("validation")
        rng = np.random.default_rng([options.seed, 0])
        own = Supernet(with_classes(space, len(data.classes)), rng=rng)
        if options.transfer_settings.start == "supernet":
            card = read_card(Path(supernet))
            same = card is not None and card.data != {} and card.classes == data.classes
            take_weights(own, supernet, classifier=same)
        return cls(name, data, images, own, path)

    def alone(self, sampling: str) -> Draw:
        """Draws the smallest or the largest network, as the sampling says, and no other."""
        own = self.supernet
        end = own.largest if sampling == "largest" else own.smallest
        return lambda n, rng: np.repeat(end[None], n, 0)

    @contextmanager
    def learner(self, recipe: Recipe, options: TransferOptions) -> Iterator[Learner]:
        """The supernet in training, begun or where it was left.

        Raises:
            UsageError: another training was begun there.
        """
        training = options.training()
        with training_session(self.supernet, self.data, recipe, self.path, training) as session:
            yield Learner(self, session)


class Learner:
    """A supernet that is trained in parts, and evaluated in between.

    Args:
        task: what it learns.
        session: of its training.
    """

    def __init__(self, task: Task, session: Session) -> None:
        self.task, self.session = task, session
        self._run: Run | None = None

    def begin(self, steps: int, parts: int, progress: TransferProgress) -> None:
        """Take up the training where it was left.

        Args:
            steps: of the whole training, as far as is known.
            parts: adaptations that it has.
            progress: told after every step.
        """
        scheme = partial(Drawn, self.task.supernet.space, parts=parts)
        self._run = self.session.begin(progress.training, steps=steps, scheme=scheme)

    @property
    def run(self) -> Run:
        """Its training, once it has begun."""
        assert self._run is not None
        return self._run

    @property
    def writes(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.session.team.writes

    @property
    def done(self) -> int:
        """How many steps were taken."""
        return self.run.trainer.done

    def adapt(self, ends: Sequence[int], total: int, draw: Draw) -> None:
        """Train until the end of the last part.

        Args:
            ends: steps at the end of each part up to this one.
            total: steps of all parts, as far as is known.
            draw: the networks that are trained.

        Raises:
            KeyboardInterrupt: it was interrupted; its state is saved.
            NasprofError: the loss became no number, or memory was too little.
        """
        trainer = self.run.trainer
        scheme = trainer.scheme
        assert isinstance(scheme, Drawn)
        scheme.ends, scheme.draw = list(ends), draw
        trainer.recipe = trainer.recipe.with_steps(max(total, ends[-1]))
        if self.done >= ends[-1]:
            return
        self.run.until(ends[-1])
        if self.writes:
            self.run.save_if_possible()

    def card(self, history: tuple[dict[str, object], ...] = ()) -> SupernetCard:
        """What is known of its weights."""
        data = self.task.data
        return SupernetCard(
            space=self.task.supernet.space,
            classes=data.classes,
            normalisation=data.normalisation,
            recipe=self.run.trainer.recipe.to_dict(),
            data=data.facts(),
            history=history,
        )

    def digest(self) -> str:
        """Of its weights as they are evaluated."""
        with self.run.trainer.final_weights():
            return weights_digest(self.task.supernet.arrays())

    def write(self, history: tuple[dict[str, object], ...] = ()) -> str:
        """Write the supernet as it is; the digest of its weights.

        Raises:
            NasprofError: its weights are no numbers, or it cannot be written; what the file held
                stays as it was.
        """
        supernet = self.task.supernet
        with self.run.trainer.final_weights():
            arrays = supernet.arrays()
            self._require_numbers(arrays)
            write_supernet(self.task.path, supernet, self.card(history))
        return weights_digest(arrays)

    def _require_numbers(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise NasprofError(
                    f"after {self.done:,} steps the weights have values that are no numbers: "
                    f"{name}",
                    "The training has diverged: lower its learning_rate, or set clip=1, and begin "
                    "anew with --fresh.",
                )

    def evaluator(self, images: LabelledImages, device: str = "cpu") -> SupernetEvaluator:
        """What evaluates the networks with the weights that were written last, on these images.

        It reads them where another process is asked; this one has them already.
        """
        task = self.task
        file = SupernetFile.read(task.path)
        return file.evaluator_on(images, task.data, device=device)

    def finish(self) -> None:
        """Remove what is needed no more."""
        if self.writes:
            state_path(self.task.path).unlink(missing_ok=True)
