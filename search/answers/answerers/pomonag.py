"""POMONAG: a generator by diffusion, trained once for many objectives."""

from __future__ import annotations

from search.answers.answerers.trained import TrainedAnswerer
from search.pomonag.stored import shelf


class PomonagAnswerer(TrainedAnswerer):
    """Lomurno et al. 2024; :mod:`search.pomonag`."""

    shelf = shelf
