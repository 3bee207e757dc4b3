"""Trainings of answerers that are over at once: an entry for each that trains."""

from functools import partial

from trade_offs import HARDLY

from search.pnag import stored
from search.pnag.settings import TrainingSettings
from search.pomonag import stored as pomonag
from search.pomonag import training
from search.pomonag.settings import PomonagSettings

HARDLY_DIFFUSED = {
    "width": 16,
    "blocks": 1,
    "batch": 32,
    "pool": 300,
    "steps": 4,
    "rounds": 1,
    "round_steps": 2,
    "samples": 64,
    "predictor_steps": 3,
    "sampling_steps": 4,
}
"""Settings of a training of POMONAG that is over at once."""


def _pnag(patch):
    patch.setattr(stored, "TrainingSettings", partial(TrainingSettings, **HARDLY))


def _pomonag(patch):
    patch.setattr(pomonag, "PomonagSettings", partial(PomonagSettings, **HARDLY_DIFFUSED))
    patch.setattr(training, "SAVED_EVERY", 2)


QUICK_TRAININGS = {"pnag": _pnag, "pomonag": _pomonag}
"""By the name of the answerer, a function that makes its default training a quick one."""


class Stop:
    """Progress that is interrupted after some steps."""

    def __init__(self, at):
        self.at = at

    def __call__(self, done, total):
        if done == self.at:
            raise KeyboardInterrupt
