"""NAS-Bench-201: cells of 4 nodes and 6 edges, each edge one of 5 operations; 15,625 networks.

Source: Dong and Yang, "NAS-Bench-201", ICLR 2020, Sec. 2; the index order is that of the published
benchmark. Parameter names are those of its networks.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, cached_property
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.typing import AnyArray, JsonObject
from spaces import nasbench201_forms as forms
from spaces.base import Arch, Genes, Space
from spaces.fields import check_number, reject_unknown
from spaces.graph import Block, Layer, Network
from spaces.nasbench201_blocks import (
    edge_block,
    head_block,
    reduction_block,
    stem_block,
    sum_block,
    zero_block,
)
from spaces.panels import Layout, Panel

OPERATIONS, EDGES = forms.OPERATIONS, forms.EDGES

_PUBLISHED_ORDER = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
_PUBLISHED_SEED = 88
_SETTINGS = ("resolution", "classes", "channels", "cells")
_ROLES = (*OPERATIONS, "add", "zero", "nothing")
"""What a slot of a cell may hold; the operations come first, in the order of genes' choices."""
_ADD, _ZERO, _NOTHING = range(len(OPERATIONS), len(_ROLES))


@dataclass(frozen=True)
class NasBench201Space(Space):
    """NAS-Bench-201's topology space.

    Genes: the operation of each edge, in the order of :data:`EDGES`; all are always active.

    MACs and parameters count every edge, as the benchmark's own numbers do, also those whose
    result never reaches the output; model files leave these out.

    Args:
        resolution: input height and width in pixels, a multiple of 4.
        classes: outputs of the classifier (10, 100 or 120 in the benchmark).
        channels: channels of the first stage; doubled twice.
        cells: cells in each of the three stages.
    """

    name: ClassVar[str] = "nasbench201"

    resolution: int = 32
    classes: int = 10
    channels: int = 16
    cells: int = 5

    def __post_init__(self) -> None:
        check_number("resolution", self.resolution, 4, 4096)
        if self.resolution % 4:
            raise UsageError(
                f"resolution is {self.resolution}, expected a multiple of 4",
                "It is halved twice, by pooling and by convolution, which round differently.",
            )
        check_number("classes", self.classes, 1, 1_000_000)
        check_number("channels", self.channels, 1, 4096)
        check_number("cells", self.cells, 1, 100)

    @property
    def n_choices(self) -> NDArray[np.int8]:
        return np.full(len(EDGES), len(OPERATIONS), np.int8)

    @property
    def settings(self) -> Arch:
        """``space`` and every argument that is not the benchmark's default."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name in _SETTINGS}
        return {"space": self.name} | {k: v for k, v in own.items() if v != getattr(type(self), k)}

    @classmethod
    def from_arch(cls, arch: Mapping[str, object]) -> Self:
        reject_unknown(arch, ("space", "cell", *_SETTINGS))
        settings: JsonObject = {key: arch[key] for key in _SETTINGS if key in arch}
        return cls(**settings)

    @classmethod
    def recognise(cls, value: object) -> Arch | None:
        """The benchmark's strings, and the forms of :mod:`spaces.nasbench201_forms`."""
        recognised = forms.recognise(value)
        if recognised is None:
            return None
        if "index" in recognised:
            check_number("index", recognised["index"], 0, cls().size - 1)
            recognised = {
                "cell": cls().to_strings(cls().from_index(np.array([recognised["index"]])))[0]
            }
        return {"space": cls.name, **recognised}

    @property
    def size(self) -> int:
        return int(len(OPERATIONS) ** len(EDGES))

    # --- genes and their other forms ---------------------------------------------------------

    def encode(self, archs: Sequence[Mapping[str, object]]) -> Genes:
        rows = []
        for number, arch in enumerate(archs):
            if self.from_arch(arch) != self:
                raise UsageError(f"arch {number} belongs to another space than {self.settings}")
            if not isinstance(cell := arch.get("cell"), str):
                raise UsageError(f"arch {number}: field 'cell' is missing or no string")
            rows.append(forms.parse_cell(cell))
        return np.array(rows, np.int8).reshape(len(rows), self.n_genes)

    def decode(self, genes: Genes) -> list[Arch]:
        shared = self.settings
        return [shared | {"cell": cell} for cell in self.to_strings(genes)]

    def to_strings(self, genes: Genes) -> list[str]:
        """The benchmark's arch strings."""
        return [
            forms.cell([OPERATIONS[gene] for gene in row]) for row in self.checked(genes).tolist()
        ]

    def index(self, genes: Genes) -> NDArray[np.int64]:
        """Numbers of the architectures in the published benchmark, 0 to 15,624: ``(n,)``."""
        codes = self.checked(genes).astype(np.int64) @ _place_values()
        numbers: NDArray[np.int64] = np.argsort(_published_codes())[codes]
        return numbers

    def from_index(self, index: AnyArray) -> Genes:
        """Genes ``(n, 6)`` of the published benchmark's numbers ``(n,)``."""
        index = np.asarray(index)
        outside = index[(index < 0) | (index >= self.size)]
        if len(outside):
            raise UsageError(f"index {outside[0]} is outside 0 to {self.size - 1}")
        codes = _published_codes()[index]
        genes: Genes = (codes[:, None] // _place_values() % len(OPERATIONS)).astype(np.int8)
        return genes

    # --- blocks -------------------------------------------------------------------------------

    @cached_property
    def _blocks(self) -> dict[str, Block]:
        """Every distinct block by its role: ``stem``, ``{operation}{stage}``, ``head``, ..."""
        shape = (self.resolution, self.resolution, self.channels)
        blocks = {"stem": stem_block(self.resolution, self.channels)}
        for stage in range(3):
            if stage:
                blocks[f"reduce{stage}"] = reduction = reduction_block(shape)
                shape = reduction.output
            for operation in OPERATIONS[2:]:
                blocks[f"{operation}{stage}"] = edge_block(operation, shape)
            blocks[f"add{stage}"] = sum_block(shape)
            blocks[f"zero{stage}"] = zero_block(shape)
        return blocks | {"head": head_block(shape, self.classes)}

    @property
    def vocabulary(self) -> tuple[Block, ...]:
        return tuple(self._blocks.values())

    @property
    def panels(self) -> Layout:
        """Operation by stage."""
        number = self._block_numbers
        roles, stages = (*OPERATIONS[2:], "add", "zero"), range(3)
        blocks = np.array([[number[f"{role}{stage}"] for stage in stages] for role in roles])
        labels = [f"{stage + 1}" for stage in stages]
        panel = Panel("cells", "operation", "stage", roles, labels, blocks.astype(np.int16))
        return ((panel,),)

    def slots(self, genes: Genes) -> NDArray[np.int16]:
        genes = self.checked(genes)
        return self._slots_of(genes, np.ones((len(genes), 4), np.bool_))

    def executed_slots(self, genes: Genes) -> NDArray[np.int16]:
        genes = self.checked(genes)
        leads = {edge: genes[:, number] > 0 for number, edge in enumerate(EDGES)}
        used = np.ones((len(genes), 4), np.bool_)
        used[:, 2] = leads[3, 2]
        used[:, 1] = leads[3, 1] | (leads[2, 1] & used[:, 2])
        return self._slots_of(genes, used)

    def _slots_of(self, genes: Genes, used: NDArray[np.bool_]) -> NDArray[np.int16]:
        """Slots of the nodes that are used, ``(n, 4)``."""
        cell = []
        for node in (1, 2, 3):
            edges = [edge for edge, (target, _) in enumerate(EDGES) if target == node]
            incoming = (genes[:, edges] > 0).sum(1)
            roles = [genes[:, edge] for edge in edges]
            roles.append(np.where(incoming == 0, _ZERO, _NOTHING))
            roles += [np.where(incoming >= terms, _ADD, _NOTHING) for terms in range(2, node + 1)]
            cell += [np.where(used[:, node], role, _NOTHING) for role in roles]
        ends = [self._block_numbers[role] for role in ("stem", "head", "reduce1", "reduce2")]
        columns = [np.tile(np.array(ends, np.int16), (len(genes), 1))]
        # All cells of a stage are of the same blocks.
        stages = self._blocks_by_role[:, np.stack(cell, 1)]
        return np.concatenate([*columns, *(np.tile(one, (1, self.cells)) for one in stages)], 1)

    @cached_property
    def _block_numbers(self) -> dict[str, int]:
        """Places in the vocabulary by role."""
        return {role: number for number, role in enumerate(self._blocks)}

    @cached_property
    def _blocks_by_role(self) -> NDArray[np.int16]:
        """Places in the vocabulary of each stage's blocks, ``(3, len(_ROLES))``; -1 for none."""
        places = self._block_numbers.get
        stages = [[places(f"{role}{stage}", -1) for role in _ROLES] for stage in range(3)]
        return np.array(stages, np.int16)

    def additive(self, genes: Genes, costs: AnyArray, *, executed: bool = False) -> AnyArray:
        """As in every space; of many architectures each distinct cell is priced only once."""
        if len(genes) <= self.size:
            return super().additive(genes, costs, executed=executed)
        ((_, cells),) = self.parts
        codes = self.checked(genes).astype(np.int64) @ _place_values()
        priced: AnyArray = super().additive(cells, costs, executed=executed)[codes]
        return priced

    @cached_property
    def parts(self) -> tuple[tuple[slice, Genes], ...]:
        cells = np.indices((len(OPERATIONS),) * len(EDGES)).reshape(len(EDGES), -1).T
        return ((slice(0, len(EDGES)), cells.astype(np.int8)),)

    def network(self, genes: Genes) -> Network:
        row = self.checked(np.asarray(genes)[None])[0]
        layers = [Layer("stem", "", self._blocks["stem"], ("input",))]
        source, cell = "stem", 0
        for stage in range(3):
            if stage:
                name = f"cells.{cell}"
                layers.append(Layer(name, f"{name}.", self._blocks[f"reduce{stage}"], (source,)))
                source, cell = name, cell + 1
            for _ in range(self.cells):
                source = self._append_cell(layers, row, stage, cell, source)
                cell += 1
        layers.append(Layer("head", "", self._blocks["head"], (source,)))
        name = self.to_strings(row[None])[0]
        return Network(name, self._blocks["stem"].inputs, tuple(layers))

    def _append_cell(
        self, layers: list[Layer], row: Genes, stage: int, cell: int, source: str
    ) -> str:
        """Append one cell's layers that read ``source``; the name of its output."""
        nodes = [source]
        for node in (1, 2, 3):
            terms = []
            for edge, (target, origin) in enumerate(EDGES):
                operation = OPERATIONS[row[edge]]
                if target != node or operation == "none":
                    continue
                if operation == "skip_connect":
                    terms.append(nodes[origin])
                    continue
                name = f"cells.{cell}.layers.{edge}"
                block = self._blocks[f"{operation}{stage}"]
                layers.append(Layer(name, f"{name}.", block, (nodes[origin],)))
                terms.append(name)
            nodes.append(self._append_sum(layers, terms, f"cells.{cell}.node{node}", stage, source))
        return nodes[-1]

    def _append_sum(
        self, layers: list[Layer], terms: list[str], name: str, stage: int, source: str
    ) -> str:
        if not terms:
            layers.append(Layer(name, "", self._blocks[f"zero{stage}"], (source,)))
            return name
        total = terms[0]
        for number, term in enumerate(terms[1:]):
            partial = f"{name}.sum{number}"
            layers.append(Layer(partial, "", self._blocks[f"add{stage}"], (total, term)))
            total = partial
        return total


def _place_values() -> NDArray[np.int64]:
    return len(OPERATIONS) ** np.arange(len(EDGES) - 1, -1, -1)


@cache
def _published_codes() -> NDArray[np.int64]:
    """Base-5 code of the genes of each published number: ``(15625,)``.

    The benchmark lists all cells with the first edge varying slowest and shuffles the list with
    Python's generator and a fixed seed.
    """
    ours = np.array([OPERATIONS.index(operation) for operation in _PUBLISHED_ORDER])
    digits = np.indices((len(OPERATIONS),) * len(EDGES)).reshape(len(EDGES), -1).T
    codes = (ours[digits] @ _place_values()).tolist()
    random.Random(_PUBLISHED_SEED).shuffle(codes)
    return np.array(codes, np.int64)
