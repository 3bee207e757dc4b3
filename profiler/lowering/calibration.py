"""Inputs that set the ranges of quantization, and how far outputs drift from full precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from nasprof.errors import UsageError
from nasprof.normalisation import Normalisation
from nasprof.typing import JsonObject
from profiler.lowering.fold import AnyInput, Array
from spaces.graph import Network

Samples: TypeAlias = list[AnyInput]
"""One array ``(n, h, w, c)`` an input."""
Batches: TypeAlias = list[Samples]

RANDOM_SAMPLES = 16


def random_inputs(
    network: Network, rng: np.random.Generator | None, pixels: Normalisation | None = None
) -> Samples:
    """Standard normal samples, or pixels of any value: one array ``(n, h, w, c)`` an input."""
    rng = rng or np.random.default_rng(0)
    if pixels is not None:
        return [rng.integers(256, size=(RANDOM_SAMPLES, *network.inputs[0]), dtype=np.uint8)]
    return [
        rng.standard_normal((RANDOM_SAMPLES, *shape), dtype=np.float32) for shape in network.inputs
    ]


def checked_samples(
    samples: AnyInput | Sequence[AnyInput], network: Network, pixels: Normalisation | None
) -> Samples:
    """One array ``(n, h, w, c)`` an input.

    Args:
        samples: ``(n, h, w, c)``, or one such array an input.
        network: what they are inputs of.
        pixels: how the file normalises them; None if they must be normalised already.

    Raises:
        UsageError: they do not fit the network.
    """
    arrays = [samples] if isinstance(samples, np.ndarray) else list(samples)
    shapes = [tuple(array.shape[1:]) for array in arrays]
    if shapes != list(network.inputs) or len({len(array) for array in arrays} - {0}) != 1:
        raise UsageError(
            f"calibration inputs have shape {', '.join(str(array.shape) for array in arrays)}, "
            f"expected (n, h, w, c) with (h, w, c) = {', '.join(map(str, network.inputs))}"
        )
    for array in arrays:
        if (array.dtype == np.uint8) != (pixels is not None):
            raise UsageError(
                f"calibration inputs are of type {array.dtype}, "
                f"expected {'numbers as the network sees them' if pixels is None else 'uint8'}",
                "Files of raw pixels (--uint8-input) are calibrated with pixels, all others with "
                "normalised images.",
            )
    dtype = np.float32 if pixels is None else np.uint8
    return [np.ascontiguousarray(array, dtype) for array in arrays]


def batches_of(samples: Sequence[AnyInput], batch: int) -> Batches:
    """Samples cut into batches; the last one is filled up with samples from the start.

    Args:
        samples: ``(n, h, w, c)``, one array an input.
        batch: samples a batch.
    """
    n = len(samples[0])
    rows = np.arange(-(-n // batch) * batch) % n
    return [[array[chunk] for array in samples] for chunk in rows.reshape(-1, batch)]


def drift(reference: Sequence[Array], outputs: Sequence[Array]) -> JsonObject:
    """How far ``outputs`` are from ``reference``, both one array ``(batch, ...)`` a batch."""
    expected = np.concatenate([array.reshape(len(array), -1) for array in reference])
    actual = np.concatenate([array.reshape(len(array), -1) for array in outputs])
    norms = np.linalg.norm(expected, axis=1) * np.linalg.norm(actual, axis=1)
    products = (expected * actual).sum(axis=1)
    both_zero = np.abs(expected - actual).max(axis=1) == 0
    cosines = np.where(both_zero, 1.0, products / np.where(norms > 0, norms, 1))
    return {
        "cosine": float(cosines.mean()),
        "max_abs": float(np.abs(expected - actual).max()),
        "top1_agreement": float((expected.argmax(axis=1) == actual.argmax(axis=1)).mean()),
        "samples": len(expected),
    }
