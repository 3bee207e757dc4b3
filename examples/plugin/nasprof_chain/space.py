"""The space of NAS-Bench-Macro: a chain of 8 positions, 3 choices each, 6,561 networks.

Source: Su et al., "Prioritized Architecture Sampling with Monto-Carlo Tree Search", CVPR 2021,
Sec. 4; https://github.com/xiusu/NAS-Bench-Macro.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from spaces import Arch, Genes, Space, spaces
from spaces.fields import choice_indices, reject_unknown
from spaces.graph import Block, Layer, Network
from spaces.mobilenetv3_blocks import mbconv_block
from spaces.ops import Activation, Conv, GlobalPool, Linear, Shape, shape_key

IMAGE, CLASSES = (32, 32, 3), 10
STEM_WIDTH, HEAD_WIDTH = 32, 1280
STAGES = ((64, 2), (128, 3), (256, 3))
"""Channels and positions; the first position of each halves height and width."""
CHOICES = ("identity", "mb3_k3", "mb6_k5")
"""Of each position, cheapest first: MBConv with its expansion and kernel."""
_EXPANSIONS, _KERNELS = (0, 3, 6), (1, 3, 5)
_POSITIONS = sum(positions for _, positions in STAGES)


@spaces.register("chain")
class ChainSpace(Space):
    """Chains of inverted residual blocks for images of 32 x 32 pixels and 10 classes.

    Genes: the choice of each position. An identity where a stage begins is a 1 x 1 convolution
    with stride 2. Identities elsewhere may change places within their stage: of the 6,561
    networks 3,969 compute something different, as in the benchmark.
    """

    name = "chain"
    settings: ClassVar[Arch] = {"space": "chain"}
    n_choices = np.full(_POSITIONS, len(CHOICES), np.int8)
    size = len(CHOICES) ** _POSITIONS

    @classmethod
    def from_arch(cls, arch: Mapping[str, Any]) -> Self:
        reject_unknown(arch, ("space", "blocks"))
        return cls()

    @classmethod
    def recognise(cls, value: object) -> Arch | None:
        """The benchmark's own form: ``"01221200"``."""
        if not isinstance(value, str) or len(value) != _POSITIONS or set(value) - set("012"):
            return None
        return cls.settings | {"blocks": [CHOICES[int(digit)] for digit in value]}

    def encode(self, archs: Sequence[Mapping[str, Any]]) -> Genes:
        return choice_indices(archs, "blocks", [CHOICES] * _POSITIONS)

    def decode(self, genes: Genes) -> list[Arch]:
        return [
            self.settings | {"blocks": [CHOICES[gene] for gene in row]}
            for row in self.checked(genes).tolist()
        ]

    @cached_property
    def _catalogue(self) -> tuple[tuple[Block, ...], NDArray[np.int16]]:
        """The distinct blocks, and their numbers ``[position, choice]``; -1 is no block."""
        stem = _conv_block("stem", IMAGE, STEM_WIDTH, kernel=3, activation=Activation.RELU)
        known = {stem.key: stem}
        numbers = np.full((_POSITIONS, len(CHOICES)), -1, np.int16)
        shape, position = stem.output, 0
        for channels, positions in STAGES:
            for stride in (2, *[1] * (positions - 1)):
                for choice in range(len(CHOICES)):
                    block = _choice_block(shape, channels, choice, stride)
                    if block is not None:
                        known.setdefault(block.key, block)
                        numbers[position, choice] = list(known).index(block.key)
                shape, position = (shape[0] // stride, shape[1] // stride, channels), position + 1
        head = _head_block(shape)
        return (*known.values(), head), numbers

    @property
    def vocabulary(self) -> tuple[Block, ...]:
        return self._catalogue[0]

    def slots(self, genes: Genes) -> NDArray[np.int16]:
        chosen = self._catalogue[1][np.arange(_POSITIONS), self.checked(genes)]
        stem, head = 0, len(self.vocabulary) - 1
        padded = np.pad(chosen, ((0, 0), (1, 1)), constant_values=((0, 0), (stem, head)))
        return padded.astype(np.int16)

    @property
    def parts(self) -> tuple[tuple[slice, Genes], ...]:
        choices = np.arange(len(CHOICES), dtype=np.int8)[:, None]
        return tuple((slice(gene, gene + 1), choices) for gene in range(_POSITIONS))

    def network(self, genes: Genes) -> Network:
        layers, source = [], "input"
        for number, slot in enumerate(self.slots(np.asarray(genes)[None])[0]):
            if slot >= 0:
                name = f"layer{number}"
                layers.append(Layer(name, f"{name}.", self.vocabulary[slot], (source,)))
                source = name
        return Network("".join(map(str, genes)), (IMAGE,), tuple(layers))


def _choice_block(shape: Shape, channels: int, choice: int, stride: int) -> Block | None:
    """The block of a choice; None where there is nothing to compute."""
    if choice > 0:
        middle = shape[2] * _EXPANSIONS[choice]
        return mbconv_block(shape, channels, middle, kernel=_KERNELS[choice], stride=stride)
    return None if stride == 1 else _conv_block("reduce", shape, channels, stride=stride)


def _conv_block(kind: str, shape: Shape, channels: int, **options: Any) -> Block:
    conv = _conv("in0", shape[2], channels, **options)
    key = f"{kind}-i{shape_key(shape)}-c{channels}-k{conv.kernel}-s{conv.stride}-{conv.activation}"
    return Block(key, (shape,), (conv,))


def _conv(source: str, in_channels: int, out_channels: int, **options: Any) -> Conv:
    return Conv(
        name="conv",
        inputs=(source,),
        param="conv",
        norm="bn",
        in_channels=in_channels,
        out_channels=out_channels,
        **options,
    )


def _head_block(shape: Shape) -> Block:
    """1 x 1 convolution, global pooling, classifier."""
    ops = (
        _conv("in0", shape[2], HEAD_WIDTH, activation=Activation.RELU),
        GlobalPool(name="pool", inputs=("conv",)),
        Linear(
            name="classifier",
            inputs=("pool",),
            param="classifier",
            in_features=HEAD_WIDTH,
            out_features=CLASSES,
        ),
    )
    return Block(f"chain-head-i{shape_key(shape)}-m{HEAD_WIDTH}-c{CLASSES}", (shape,), ops)
