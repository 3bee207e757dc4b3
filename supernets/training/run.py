"""A training from where it is to its end, saved on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TypeAlias

from nasprof.errors import NasprofError
from nasprof.log import logger
from nasprof.reader import Reader
from nasprof.signals import held_back
from nasprof.typing import JsonObject
from supernets.data.loader import Loader
from supernets.training.checks import ValidationCheck
from supernets.training.history import History
from supernets.training.stability import MAX_ROLLBACKS, SLOWER, DivergenceWatch
from supernets.training.states import Snapshot, TrainingState
from supernets.training.trainer import Step, Trainer
from supernets.training.trainer_state import load_state, set_back, state_of

_RECORDS = 200
"""Lines of a history about the loss."""
_SNAPSHOTS, _FEWEST_BETWEEN = 50, 50
"""States to go back to in a training, and steps between two of them at least."""
_CHECKS = 10
"""How often accuracy is looked at."""
_SHOWN = 50
"""Steps of which the loss that is told is the mean."""


@dataclass(frozen=True)
class TrainingStatus:
    """How far a training has come.

    Args:
        step: how many steps were taken.
        total: of how many.
        loss: mean over the last steps.
        rate: the learning rate.
        phase: what is trained.
        images_per_s: of wall-clock time, of all processes.
        remaining_s: wall-clock time that is left, as far as is known.
    """

    step: int
    total: int
    loss: float
    rate: float
    phase: str
    images_per_s: float
    remaining_s: float


TrainingProgress: TypeAlias = Callable[[TrainingStatus], None]


@dataclass(frozen=True)
class RunFiles:
    """Where a training is saved.

    Args:
        state: file of its state.
        history: of this training; only the process that writes it writes the state.
        save_every_s: wall-clock time between two states.
    """

    state: Path
    history: History
    save_every_s: float = 60.0


class Run:
    """A training on its way.

    Args:
        trainer: takes the steps.
        loader: where its batches come from.
        facts: what it was begun with.
        files: where it is saved.
        check: accuracy in the middle of it.
        progress: told after every step.
    """

    def __init__(
        self,
        trainer: Trainer,
        loader: Loader,
        facts: JsonObject,
        files: RunFiles,
        check: ValidationCheck,
        progress: TrainingProgress | None = None,
    ) -> None:
        self.trainer, self.loader = trainer, loader
        self.facts, self.files, self.check, self.progress = facts, files, check, progress
        self.accuracy: dict[str, float] = {}
        self._watch = DivergenceWatch(trainer.recipe.divergence, loader.batches.classes)
        self._good: Snapshot | None = None
        self._rollbacks = 0
        self._earlier_s, self._cpu_s = 0.0, time.process_time()
        self._begun, self._begun_at = time.monotonic(), 0
        self._saved = self._begun

    @property
    def seconds(self) -> float:
        """CPU seconds of this process that went into the training, with those of earlier parts."""
        return self._earlier_s + time.process_time() - self._cpu_s

    def to_the_end(self) -> None:
        """Take all steps that are left; see :meth:`until`."""
        self.until(self.trainer.recipe.total)

    def until(self, step: int) -> None:
        """Take the steps that are left until so many were taken.

        Raises:
            KeyboardInterrupt: it was interrupted; its state is saved.
            LossInvalid: the loss is no finite number.
            OutOfMemory: the device has too little memory.
            NasprofError: it diverges whatever the learning rate.
        """
        self._begun, self._begun_at = time.monotonic(), self.trainer.done
        try:
            while self.trainer.done < step:
                with held_back():
                    self._advance()
        except KeyboardInterrupt:
            with held_back():
                self._save()
            if self.files.history.writes:
                logger.warning(
                    f"saved after step {self.trainer.done:,} of {self.trainer.recipe.total:,}; "
                    "the same command goes on from there"
                )
            raise

    def _advance(self) -> None:
        step = self.trainer.step()
        if step.begins:
            self._watch.forget()
        self._watch.add(step.loss)
        if self._watch.diverges:
            self._set_back(step)
            return
        between = max(_FEWEST_BETWEEN, self.trainer.recipe.total // _SNAPSHOTS)
        if self._watch.is_on and step.number % between == 0 and self._watch.is_calm:
            self._good = self._snapshot()
        self._record(step)
        if time.monotonic() - self._saved > self.files.save_every_s:
            self.save_if_possible()
        self._tell(step)

    def _set_back(self, step: Step) -> None:
        """Go back to the last good state, with a lower learning rate.

        Raises:
            NasprofError: there is none, or it has been tried often enough.
        """
        if self._good is None or self._rollbacks >= MAX_ROLLBACKS:
            raise NasprofError(
                f"the training diverges at step {step.number}: the loss is {step.loss:.3g} "
                f"at a learning rate of {step.rate:.3g}",
                "Lower learning_rate, or set clip=1; what was saved before is kept.",
            )
        set_back(self.trainer, self._good.done, self._good.tensors)
        self.trainer.slowed *= SLOWER
        self._rollbacks += 1
        self._watch.losses = list(self._good.losses)
        if self.files.history.writes:
            logger.warning(
                f"the loss has risen to {step.loss:.3g} at step {step.number}: back to step "
                f"{self._good.done}, with {self.trainer.slowed:g} of the learning rate"
            )
        self.files.history.note({"step": step.number, "event": "set back", "to": self._good.done})

    def _snapshot(self) -> Snapshot:
        _, tensors = state_of(self.trainer)
        copies = {name: value.detach().cpu().clone() for name, value in tensors.items()}
        return Snapshot(self.trainer.done, copies, tuple(self._watch.losses))

    # --- telling --------------------------------------------------------------------------------

    def _record(self, step: Step) -> None:
        """Note loss and accuracy now and then, and at the end."""
        total, done = self.trainer.recipe.total, step.number
        if is_due(done, total, _RECORDS) or step.begins:
            losses = self._watch.losses[-max(1, total // _RECORDS) :]
            record: JsonObject = {
                "step": done,
                "seconds": round(self.seconds, 3),
                "phase": step.phase.name,
                "learning_rate": step.rate,
                "loss": fmean(losses),
            }
            if is_due(done, total, _CHECKS) and self.files.history.writes:
                with self.trainer.final_weights():
                    self.accuracy = self.check(self.trainer.supernet)
                record["validation"] = self.accuracy
            self.files.history.note(record)

    def _tell(self, step: Step) -> None:
        if self.progress is None:
            return
        elapsed_s = max(time.monotonic() - self._begun, 1e-9)
        per_s = (step.number - self._begun_at) / elapsed_s
        self.progress(
            TrainingStatus(
                step=step.number,
                total=self.trainer.recipe.total,
                loss=fmean(self._watch.losses[-_SHOWN:]),
                rate=step.rate,
                phase=step.phase.name,
                images_per_s=max(per_s, 0.0) * self.trainer.recipe.batch,
                remaining_s=(self.trainer.recipe.total - step.number) / per_s if per_s > 0 else 0.0,
            )
        )

    # --- saving -----------------------------------------------------------------------------------

    def _save(self) -> None:
        """Write the state; only one process does.

        Raises:
            NasprofError: it cannot be written; the last one is kept.
        """
        self._saved = time.monotonic()
        if not self.files.history.writes:
            return
        about, tensors = state_of(self.trainer)
        parts: JsonObject = {
            "trainer": about,
            "loader": self.loader.state_dict(),
            "losses": self._watch.losses,
            "rollbacks": self._rollbacks,
            "seconds": self.seconds,
            "steps": self.trainer.recipe.total,
            "accuracy": self.accuracy,
        }
        TrainingState(self.facts, parts, tensors, self._good).write(self.files.state)

    def save_if_possible(self) -> None:
        """Write the state, or say why it cannot be written."""
        try:
            self._save()
        except NasprofError as error:
            logger.warning(f"{error.message}; the training goes on, what was saved last is kept")

    def go_on(self, state: TrainingState) -> None:
        """Go on where a state was saved.

        Raises:
            UsageError: a value is missing, or is none of a state.
            ValueError: its tensors are of another supernet.
        """
        reader = Reader(state.about, "training")
        losses = reader.take("losses", "a list of numbers")
        load_state(self.trainer, reader.take("trainer", "an object"), state.tensors)
        self.loader.load_state_dict(reader.take("loader", "an object"))
        self._watch.losses = [float(loss) for loss in losses]
        self._rollbacks = reader.take("rollbacks", "a whole number")
        self._earlier_s = reader.not_negative("seconds")
        self.accuracy = reader.take("accuracy", "an object")
        self._good = state.good


def is_due(step: int, total: int, times: int) -> bool:
    """Whether something that is done so often in ``total`` steps is done after a step; the last
    time is at the end.

    >>> [step for step in range(1, 11) if is_due(step, 10, 4)]
    [3, 5, 8, 10]
    """
    return step * times // total > (step - 1) * times // total
