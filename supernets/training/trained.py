"""What a training ends with: the checkpoint, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nasprof.errors import NasprofError
from nasprof.log import logger
from nasprof.typing import JsonObject
from supernets.card import SupernetCard
from supernets.checkpoint import read_supernet, write_supernet
from supernets.data import DataSet
from supernets.supernet import Supernet
from supernets.training.history import History, history_path
from supernets.training.run import Run


@dataclass(frozen=True)
class TrainedSupernet:
    """A supernet that was trained.

    Args:
        path: its checkpoint.
        card: what stands in it beside the weights.
        seconds: CPU seconds that went into it.
        accuracy: top-1 in percent of the ``smallest`` and the ``largest`` network on the first
            ``n`` validation images, batch norm recalibrated.
    """

    path: Path
    card: SupernetCard
    seconds: float
    accuracy: dict[str, float]

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {
            "path": str(self.path),
            "history": str(history_path(self.path)),
            "space": self.card.space.settings,
            "classes": list(self.card.classes),
            "steps": self.card.recipe["steps"],
            "seconds": round(self.seconds, 3),
            "validation": self.accuracy,
            "recipe": self.card.recipe,
            "data": self.card.data,
        }


def finish(run: Run, data: DataSet, path: Path) -> TrainedSupernet:
    """Write the checkpoint, and remove what is needed no more."""
    trainer, history = run.trainer, run.files.history
    result = TrainedSupernet(path, _card(run, data), run.seconds, run.accuracy)
    if history.writes:
        try:
            with trainer.final_weights():
                write_supernet(path, trainer.supernet, result.card)
        except NasprofError:
            run.save_if_possible()
            raise
        about = {"seconds": round(run.seconds, 3), "validation": run.accuracy}
        history.note({"step": trainer.done, "event": "finished", **about}, durable=True)
        run.files.state.unlink(missing_ok=True)
    trainer.workers.agreed(0)  # nobody goes on before it is written
    trainer.settle()
    return result


def _card(run: Run, data: DataSet) -> SupernetCard:
    """What stands in the checkpoint beside the weights."""
    about = {"seconds": round(run.seconds, 3), "validation": run.accuracy}
    return SupernetCard(
        space=run.trainer.supernet.space,
        classes=data.classes,
        normalisation=data.normalisation,
        recipe=run.trainer.recipe.to_dict(),
        data=data.facts(),
        history=(about,),
    )


def finished(path: Path, supernet: Supernet, history: History) -> TrainedSupernet:
    """What an earlier call has trained; the supernet takes its weights."""
    trained, card = read_supernet(path, supernet.space)
    supernet.load_arrays(trained.arrays())
    if history.writes:
        logger.info(f"{path} is trained already; --fresh trains it anew")
    record = history.finished or {}
    return TrainedSupernet(path, card, record.get("seconds", 0.0), record.get("validation", {}))
