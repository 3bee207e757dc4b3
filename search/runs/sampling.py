"""Random architectures of a space, for example to measure them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nasprof.errors import UsageError
from nasprof.results import frame
from nasprof.typing import JsonObject
from spaces import Genes, Space, get_space
from spaces.base import Sampling
from spaces.distinct import sample_distinct

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class SampledArchs:
    """Distinct architectures of one space.

    Args:
        genes: canonical, ``(n, n_genes)``.
    """

    space: Space
    genes: Genes

    def __len__(self) -> int:
        return len(self.genes)

    @cached_property
    def archs(self) -> list[JsonObject]:
        """The architectures as JSON."""
        return self.space.decode(self.genes)

    def to_dict(self) -> list[JsonObject]:
        """As JSON: what ``nassearch sample --json`` prints."""
        return self.archs

    def rows(self) -> list[JsonObject]:
        """A row each: ``arch``, ``macs`` and ``params``."""
        macs, params = self.space.macs(self.genes).tolist(), self.space.params(self.genes).tolist()
        columns = zip(self.archs, macs, params, strict=True)
        return [dict(zip(("arch", "macs", "params"), row, strict=True)) for row in columns]

    def to_frame(self) -> pandas.DataFrame:
        """The rows as a pandas data frame.

        Raises:
            UsageError: pandas is not installed.
        """
        return frame(self.rows())


def sample(
    space: Space | str = "ofa-mbv3",
    count: int = 10,
    *,
    strategy: Sampling = "biased",
    seed: int = 0,
) -> SampledArchs:
    """Draw distinct random architectures.

    Args:
        space: to draw from, or its name, with its default settings.
        count: how many; fewer where the space has no more.
        strategy: "uniform": every gene alike; "biased": spread over the whole range of MACs.
        seed: of the draw.

    Returns:
        The architectures, with their genes ``(n, n_genes)``.

    Raises:
        UsageError: there is no such space, or a number is too small.

    >>> sample("nasbench201", 3).genes.shape
    (3, 6)
    """
    for name, value, least in (("count", count, 1), ("seed", seed, 0)):
        if value < least:
            raise UsageError(f"{name} is {value}, expected at least {least}")
    chosen = get_space(space) if isinstance(space, str) else space
    genes = sample_distinct(chosen, count, np.random.default_rng(seed), strategy)
    return SampledArchs(chosen, genes)
