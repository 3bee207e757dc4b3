"""Many samples through a model whose batch is fixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .annotations import Array
from .models import Model
from .refusal import Refused


def compute_samples(
    model: Model, shapes: Mapping[str, Sequence[int]], samples: Mapping[str, Array]
) -> dict[str, Array]:
    """Outputs for any number of samples, in as many runs as they take.

    The last batch is filled up with its last sample, whose other outputs are cut off again.

    Args:
        model: made ready for a batch.
        shapes: of its inputs, by name: the batch comes first in all of them.
        samples: arrays ``(n, ...)`` by input.

    Returns:
        Arrays ``(n, ...)`` by output.

    Raises:
        Refused: the model does not work in batches, or gives something else than an output a
            sample.
    """
    import numpy as np

    batch = _common("the model's inputs have", [list(shape)[:1] for shape in shapes.values()])
    n = _common("there are", [list(array.shape[:1]) for array in samples.values()])
    parts: dict[str, list[Array]] = {}
    for start in range(0, n, batch):
        rows = np.minimum(np.arange(start, start + batch), n - 1)
        outputs = model.compute({name: array[rows] for name, array in samples.items()})
        for name, value in outputs.items():
            if value.shape[:1] != (batch,):
                raise Refused(
                    f"output {name} has shape {list(value.shape)} for {batch} samples a run: "
                    "expected one row a sample"
                )
            parts.setdefault(name, []).append(value[: n - start])
    return {name: np.concatenate(values) for name, values in parts.items()}


def _common(words: str, sizes: Sequence[Sequence[int]]) -> int:
    """The one size of all."""
    distinct = {int(size[0]) if size else 0 for size in sizes}
    if len(distinct) != 1 or 0 in distinct:
        raise Refused(f"{words} {sorted(distinct)} samples, expected one number of at least 1")
    return distinct.pop()
