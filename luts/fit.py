"""Block costs fitted on whole networks, starting from what is known of the blocks.

A network's latency is the sum of its blocks' costs. With fewer networks than blocks that leaves
the costs undetermined, so each is drawn to a prior: its measured cost, scaled to the networks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from luts.features import block_counts
from nasprof.typing import Array
from spaces import Genes, Space

STRENGTH = 0.03
"""Weight of the prior: a block that is off by a factor f adds ``STRENGTH * (f - 1)**2``, a network
that is off by the same factor ``(f - 1)**2`` (chosen in benchmarks/lut.py)."""


def fit_costs(
    prior_ms: Array,
    counts: Array,
    measured_ms: Array,
    strength: float = STRENGTH,
    known_ms: ArrayLike = 0.0,
) -> Array:
    """Block costs in ms, at least 0, that explain measured networks.

    Minimises the squared relative errors of the networks plus ``strength`` times the squared
    relative distances from the scaled prior, by non-negative least squares.

    Args:
        prior_ms: ``(n_blocks,)``, what each block was measured to take.
        counts: ``(n, n_blocks)``.
        measured_ms: ``(n,)``, above 0.
        known_ms: what other blocks, whose costs are settled, take of each network: ``(n,)``.

    Returns:
        ``(n_blocks,)``.
    """
    from scipy.optimize import nnls

    explained = counts @ prior_ms / measured_ms
    left = 1 - np.broadcast_to(known_ms, measured_ms.shape) / measured_ms
    # Networks that hold few of these blocks tell little of their scale: it is drawn to 1 then.
    scale = (explained @ left + STRENGTH) / (explained @ explained + STRENGTH)
    scaled = prior_ms * max(0.0, float(scale))
    root = np.sqrt(strength)
    design = np.concatenate([counts * scaled / measured_ms[:, None], root * np.eye(len(scaled))])
    target = np.concatenate([left, np.full(len(scaled), root)])
    fitted: Array = nnls(design, target)[0] * scaled
    return fitted


def covering(space: Space, rng: np.random.Generator, candidates: int = 200) -> Genes:
    """A few networks ``(n, n_genes)`` that together hold every block of the space.

    Chosen greedily: each is the best of many random candidates at adding blocks not yet held.
    Rare blocks that no candidate holds are the reason to draw anew.
    """
    lacking = np.ones(len(space.vocabulary), np.bool_)
    chosen: list[Genes] = []
    for _ in range(100 * len(lacking)):
        genes = space.sample(candidates, rng)
        held = block_counts(space, genes) > 0
        best = int((held & lacking).sum(1).argmax())
        if (held[best] & lacking).any():
            chosen.append(genes[best])
            lacking &= ~held[best]
        if not lacking.any():
            break
    return np.array(chosen, np.int8)
