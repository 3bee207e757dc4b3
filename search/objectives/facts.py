"""What an objective's values depend on, told in the head of an archive."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from luts import CostModel
from nasprof.typing import Array, JsonObject
from search.accuracy.base import AccuracyModel
from spaces import Space


def model_facts(
    model: AccuracyModel | CostModel, predict: Callable[..., Array], space: Space
) -> JsonObject:
    """Name and kind of a model, and what it says of six fixed architectures, as JSON values.

    Args:
        model: whose name and kind are told.
        space: of the architectures.
        predict: genes ``(n, n_genes)`` and their space to predictions ``(n,)``.
    """
    ends = space.canonical(np.stack([np.zeros(space.n_genes, np.int8), space.n_choices - 1]))
    probes = np.concatenate([ends, space.sample(4, np.random.default_rng(0), "biased")])
    predictions = [float(f"{value:.6g}") for value in predict(probes, space=space).tolist()]
    return {"model": model.name, "kind": model.kind, "probes": predictions}
