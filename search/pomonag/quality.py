"""How good samples are as samples: validity, uniqueness and novelty.

Lomurno et al. 2024, Table 4: the share of samples that are architectures, of these the share that
are distinct, and of the distinct ones the share that was not learnt from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nasprof.typing import JsonObject
from search.diffusion.model import Samples
from spaces import Genes


@dataclass(frozen=True)
class Quality:
    """Shares between 0 and 1; those of nothing are 0."""

    validity: float
    uniqueness: float
    novelty: float

    @classmethod
    def of(cls, samples: Samples, known: Genes) -> Quality:
        """The quality of samples.

        Args:
            known: architectures that were learnt from, ``(n, n_genes)``.
        """
        distinct = samples.distinct
        seen = {row.tobytes() for row in known}
        new = sum(row.tobytes() not in seen for row in distinct)
        n_valid = int(samples.valid.sum())
        return cls(
            n_valid / max(1, len(samples.valid)),
            len(distinct) / max(1, n_valid),
            new / max(1, len(distinct)),
        )


@dataclass(frozen=True)
class Interval:
    """A mean over seeds with its 95 % interval."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval:
        """By Student's t; the mean alone where there is only one value."""
        mean = float(np.mean(values))
        if len(values) < 2:
            return cls(mean, mean, mean)
        from scipy.stats import t

        half = float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5)
        return cls(mean, mean - half, mean + half)

    def as_share(self) -> Interval:
        """The same, no further than from 0 to 1."""
        return Interval(self.mean, max(0.0, self.low), min(1.0, self.high))

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {"mean": self.mean, "low": self.low, "high": self.high}
