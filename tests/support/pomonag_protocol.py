"""POMONAG's rule for latency, which the protocol of that name is compared with."""

import numpy as np


def pomonag_mean(samples_ms):
    """Mean of the samples inside their central 90 % interval."""
    samples = np.asarray(samples_ms, np.float64)
    low, high = np.percentile(samples, (5, 95))
    return float(samples[(samples >= low) & (samples <= high)].mean())
