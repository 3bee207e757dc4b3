"""The distinct blocks of a MobileNetV3 space, and which may stand where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np
from numpy.typing import NDArray

from spaces.graph import Block
from spaces.mobilenetv3_blocks import head_block, make_divisible, mbconv_block, stem_block
from spaces.mobilenetv3_forms import DEPTHS, KERNELS, MAX_DEPTH, RATIOS
from spaces.ops import Activation, Shape
from spaces.panels import Layout, Panel

_SQUEEZED_STAGES = (False, True, False, True, True)
_SWISH_STAGES = (False, False, True, True, True)


@dataclass(frozen=True)
class Catalogue:
    """What networks of the space are made of.

    Args:
        blocks: stem, first block, those of the stages, head.
        numbers: of the stages' blocks, as ``[stage, is not first, kernel, expansion]``.
    """

    blocks: tuple[Block, ...]
    numbers: NDArray[np.int16]

    @classmethod
    def of(
        cls,
        image: Shape,
        stem: tuple[int, int],
        stages: Sequence[tuple[int, int]],
        head_widths: tuple[int, ...],
        classes: int,
    ) -> Self:
        """The catalogue of one variant.

        Args:
            stem: channels and stride.
            stages: channels and stride of each.
            head_widths: channels before and after the global pooling.
        """
        first_conv = stem_block(image, *stem)
        first = mbconv_block(first_conv.output, stem[0], stem[0], kernel=3)
        known = {first_conv.key: first_conv, first.key: first}
        numbers = []
        shape = first.output
        for stage, (channels, stride) in enumerate(stages):
            reduced = (-(-shape[0] // stride), -(-shape[1] // stride), channels)
            blocks = [
                *_stage_blocks(stage, shape, channels, stride),
                *_stage_blocks(stage, reduced, channels, 1),
            ]
            known |= {block.key: block for block in blocks}
            numbers.append([list(known).index(block.key) for block in blocks])
            shape = reduced
        head = head_block(shape, head_widths, classes)
        grid = (len(stages), 2, len(KERNELS), len(RATIOS))
        return cls((*known.values(), head), np.array(numbers, np.int16).reshape(grid))

    @property
    def panels(self) -> Layout:
        """Kernel by expansion: a column a stage, first blocks above later ones."""
        labels = (tuple(map(str, KERNELS)), tuple(map(str, RATIOS)))
        return tuple(
            tuple(
                Panel(f"stage {stage + 1}, {which}", "kernel", "expansion", *labels, grid)
                for stage, grid in enumerate(self.numbers[:, index])
            )
            for index, which in enumerate(("first block", "later blocks"))
        )


def stage_genes() -> NDArray[np.int8]:
    """Every distinct stage: its depth, then expansion and kernel of each block ``(k, 9)``."""
    pairs = np.indices((len(RATIOS), len(KERNELS))).reshape(2, -1).T
    groups = []
    for gene, depth in enumerate(DEPTHS):
        chosen = np.indices((len(pairs),) * depth).reshape(depth, -1).T
        group = np.zeros((len(chosen), 1 + 2 * MAX_DEPTH), np.int8)
        group[:, 0] = gene
        group[:, 1 : 1 + 2 * depth] = pairs[chosen].reshape(len(chosen), -1)
        groups.append(group)
    return np.concatenate(groups)


def _stage_blocks(stage: int, shape: Shape, channels: int, stride: int) -> Iterator[Block]:
    """The blocks of every kernel and expansion that may stand at one kind of position."""
    for kernel, ratio in product(KERNELS, RATIOS):
        yield mbconv_block(
            shape,
            channels,
            make_divisible(shape[2] * ratio),
            kernel=kernel,
            stride=stride,
            activation=Activation.H_SWISH if _SWISH_STAGES[stage] else Activation.RELU,
            squeeze=_SQUEEZED_STAGES[stage],
        )
