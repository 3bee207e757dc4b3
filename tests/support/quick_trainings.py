"""Trainings of answerers that are over at once: an entry for each that trains."""

from functools import partial

from trade_offs import HARDLY

from search.pnag import stored
from search.pnag.settings import TrainingSettings


def _pnag(patch):
    patch.setattr(stored, "TrainingSettings", partial(TrainingSettings, **HARDLY))


QUICK_TRAININGS = {"pnag": _pnag}
"""By the name of the answerer, a function that makes its default training a quick one."""
