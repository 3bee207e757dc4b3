"""The least and the largest value of an additive objective, exactly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from spaces import Genes, Space
from spaces.additive import additive_ends


def additive_extremes(
    space: Space, function: Callable[[Genes], NDArray[np.generic]]
) -> tuple[float, float]:
    """The least and the largest value in the space of a sum over the groups of its genes."""
    low, high = function(additive_ends(space, function)).tolist()
    return float(low), float(high)
