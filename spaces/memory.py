"""Memory that a network needs for its activations while it runs.

Values are held at fp32 and batch 1 from the operation that writes them to the last one that reads
them. No operation writes over what it reads, except that an activation which belongs to another
operation (``Conv.activation``) is computed in place. Runtimes may need less, by computing more in
place, or more, for what they keep around it.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

import numpy as np
from numpy.typing import NDArray

from spaces.graph import Block, Network, Program

VALUE_BYTES = 4


def peak_memory(program: Program) -> int:
    """Bytes of the values that are alive at once, at most, as the operations run in their order.

    What an operation reads and what it writes are alive while it runs. Inputs of the network are
    alive until they are last read.
    """
    last = {name: step for step, op in enumerate(program.ops) for name in op.inputs}
    last[program.output] = len(program.ops)
    alive = sum(_bytes(program, name) for name in program.inputs if name in last)
    peak = alive
    for step, op in enumerate(program.ops):
        alive += _bytes(program, op.name)
        peak = max(peak, alive)
        alive -= sum(_bytes(program, name) for name in set(op.inputs) if last[name] == step)
    return peak


def _bytes(program: Program, name: str) -> int:
    return VALUE_BYTES * prod(program.shapes[name])


def chain_peaks(blocks: Iterable[Block]) -> NDArray[np.int64] | None:
    """Peak of each block where any network of them is a chain: ``(n_blocks,)``; else None.

    It is if each block reads one value only: then one path leads from the input to the output,
    nothing but the value between two blocks outlives one of them, and the peak of a network is
    the largest of its blocks'.
    """
    blocks = tuple(blocks)
    if any(len(block.inputs) != 1 for block in blocks):
        return None
    peaks = [peak_memory(Network.of(block).program()) for block in blocks]
    return np.array(peaks, np.int64)
