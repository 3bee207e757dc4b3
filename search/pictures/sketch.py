"""An architecture as boxes in a row, for pictures; each space says what its boxes are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import singledispatch

from spaces import Genes, Space
from spaces.additive import gene_groups
from spaces.elastic_resolution import ElasticResolutionSpace
from spaces.mobilenetv3 import MobileNetV3Space
from spaces.nasbench201 import EDGES, OPERATIONS, NasBench201Space


@dataclass(frozen=True)
class Box:
    """One choice of an architecture.

    Args:
        height: between 0 and 1; 0 leaves the place empty.
        colour: which of the sketch's colours.
        label: written into the box.
    """

    height: float
    colour: int
    label: str


@dataclass(frozen=True)
class Sketch:
    """Boxes in the order of the network.

    Args:
        boxes: by group (a stage, a node, ...).
        groups: name of each group.
        colours: what each colour stands for.
        height: what heights stand for; empty if for nothing.
    """

    boxes: Sequence[Sequence[Box]]
    groups: Sequence[str]
    colours: Sequence[str]
    height: str = ""


@singledispatch
def sketch(space: Space, genes: Genes) -> Sketch:
    """The sketch of one architecture ``(n_genes,)``: here of any space, a box a gene."""
    shares = (genes + 1) / space.n_choices
    active = space.active(genes[None])[0]
    boxes = [
        Box(float(share) if used else 0.0, 0, str(int(gene)))
        for gene, share, used in zip(genes, shares, active, strict=True)
    ]
    groups = [boxes[genes_of_part] for genes_of_part, _ in gene_groups(space)]
    names = [f"part {number}" for number in range(1, len(groups) + 1)]
    return Sketch(groups, names, ("gene",), "choice, as a share of those there are")


@sketch.register
def _(space: ElasticResolutionSpace, genes: Genes) -> Sketch:
    """That of the space at the resolution, which is named with the first group."""
    ((member, _, own),) = space.by_member(genes[None])
    known = sketch(member, own[0])
    first = f"{space.resolutions[int(genes[0])]} px, {known.groups[0]}"
    return replace(known, groups=[first, *known.groups[1:]])


@sketch.register
def _(space: MobileNetV3Space, genes: Genes) -> Sketch:
    """A box a block: height by expansion ratio, colour by kernel; absent blocks are empty."""
    _, sizes, ratios = (column[0].tolist() for column in space.choices(genes[None], inactive=0))
    kernels, largest = (0, *space.kernel_choices), max(space.expand_choices)
    boxes = [
        Box(ratio / largest, max(0, kernels.index(size) - 1), f"e{ratio}\nk{size}")
        for size, ratio in zip(sizes, ratios, strict=True)
    ]
    depth = space.max_depth
    groups = [boxes[depth * stage : depth * (stage + 1)] for stage in range(space.n_stages)]
    names = [f"stage {stage}" for stage in range(1, space.n_stages + 1)]
    return Sketch(groups, names, [f"kernel {size}" for size in kernels[1:]], "expansion ratio")


@sketch.register
def _(space: NasBench201Space, genes: Genes) -> Sketch:
    """A box an edge of the cell, by the node that it leads to."""
    groups: dict[int, list[Box]] = {}
    for gene, (node, source) in zip(genes.tolist(), EDGES, strict=True):
        groups.setdefault(node, []).append(Box(1.0 if gene else 0.0, gene, f"from\n{source}"))
    names = [f"node {node}" for node in groups]
    return Sketch(list(groups.values()), names, OPERATIONS)
