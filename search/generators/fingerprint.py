"""What tells whether two trade-offs are the same to a generator."""

from __future__ import annotations

import hashlib

import numpy as np

from search.objectives.trade_off import TradeOff

_PROBES = 256


def fingerprint(trade_off: TradeOff) -> str:
    """What tells whether two trade-offs rank architectures alike.

    A digest of how the models predict a fixed set of architectures. Latencies are taken as shares
    of their range, which leaves out a table's calibration: this changes whenever an answer is
    verified, moves all latencies along a line, and is no reason to train again.
    """
    probes = trade_off.space.sample(_PROBES, np.random.default_rng(0), "biased")
    ends = trade_off.extremes
    shares = (trade_off.latency_ms(probes) - ends.min_ms) / (ends.max_ms - ends.min_ms)
    rounded = np.round([trade_off.top1(probes) / 100, shares], 5) + 0.0
    text = f"{trade_off.space.label} {rounded.tolist()}"
    return hashlib.sha256(text.encode()).hexdigest()
