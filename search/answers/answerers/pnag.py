"""PNAG: a generator that is trained once, and then answers any budget by inference."""

from __future__ import annotations

from search.answers.answerers.trained import TrainedAnswerer
from search.pnag.stored import shelf


class PnagAnswerer(TrainedAnswerer):
    """Guo et al. 2022; :mod:`search.pnag`."""

    shelf = shelf
