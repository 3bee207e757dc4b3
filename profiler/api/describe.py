"""What architectures are made of, and what they cost to compute."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from nasprof.results import Records
from nasprof.typing import JsonObject
from profiler.model_files.architectures import ArchLike, named_archs
from spaces import Arch, Space


@dataclass(frozen=True)
class BlockDescription:
    """A block of a network.

    Args:
        name: of its layer in the network.
        key: its identity in lookup tables.
        inputs: shape of each input without the batch, height and width first.
        output: likewise.
        macs: multiply-accumulates at batch 1.
        params: trainable parameters.
    """

    name: str
    key: str
    inputs: list[list[int]]
    output: list[int]
    macs: int
    params: int


@dataclass(frozen=True)
class Description:
    """An architecture, its costs and its blocks in order.

    Args:
        genes: of its space, ``(n_genes,)``.
        macs: multiply-accumulates at batch 1.
        params: trainable parameters.
    """

    arch: Arch
    genes: list[int]
    macs: int
    params: int
    blocks: tuple[BlockDescription, ...]

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {**asdict(self), "blocks": [asdict(block) for block in self.blocks]}


class Descriptions(Records[Description]):
    """A description an architecture, in order."""

    def rows(self) -> list[JsonObject]:
        """A row a block, under its architecture's number."""
        return [
            {"arch": number, **asdict(block)}
            for number, description in enumerate(self)
            for block in description.blocks
        ]


def describe(archs: ArchLike | Iterable[ArchLike]) -> Descriptions:
    """Blocks, multiply-accumulates and parameters of architectures.

    Args:
        archs: files of architectures, architectures as dicts, or spaces with genes ``(n_genes,)``
            or ``(n, n_genes)``; one or several.

    Returns:
        A description an architecture, in order.

    Raises:
        UsageError: naming the file or the architecture that is none.

    >>> from spaces import get_space
    >>> space = get_space("nasbench201", cells=1)
    >>> (description,) = describe((space, [3, 3, 3, 3, 3, 3]))
    >>> description.macs, description.params, description.blocks[0].key
    (12501632, 106906, 'stem-i32x32x3-c16')
    """
    return Descriptions(_description(named.space, named.arch) for named in named_archs(archs))


def _description(space: Space, arch: Arch) -> Description:
    genes = space.encode([arch])[0]
    network = space.network(genes)
    blocks = tuple(
        BlockDescription(
            name=layer.name,
            key=layer.block.key,
            inputs=[list(shape) for shape in layer.block.inputs],
            output=list(layer.block.output),
            macs=layer.block.macs,
            params=layer.block.params,
        )
        for layer in network.layers
    )
    return Description(arch, genes.tolist(), network.macs, network.params, blocks)
