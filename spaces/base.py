"""What every search space offers.

Algorithms see architectures as *genes*: ``int8 (n, n_genes)``, each gene an index into its
choices. Any integer vector within ``n_choices`` becomes valid by :meth:`Space.canonical`, which
sets inactive genes to 0, so equal networks are equal rows. The choices of a gene are ordered by
the MACs they cost, cheapest first. People see an *arch*: a JSON object
that names its space.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.typing import AnyArray
from spaces.graph import Block, Network
from spaces.memory import chain_peaks, peak_memory
from spaces.ops import Shape
from spaces.panels import Layout

Genes: TypeAlias = NDArray[np.int8]
Arch: TypeAlias = dict[str, Any]
Sampling: TypeAlias = Literal["uniform", "biased"]

_MAX_LEANING = 8.0
_FEW = 64
"""Architectures of so few that what calls of numpy take themselves is most of their time."""


class Space(ABC):
    """A set of architectures that differ in their genes.

    Two spaces of a class with equal :attr:`settings` hold the same architectures and are equal.
    A space has one gene or more, and all its networks have outputs of one shape, and inputs too
    unless their resolution is a gene.
    """

    name: ClassVar[str]
    """What it is registered as."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Space):
            return NotImplemented
        return type(other) is type(self) and other.settings == self.settings

    def __hash__(self) -> int:
        return hash((type(self), json.dumps(self.settings, sort_keys=True)))

    @property
    @abstractmethod
    def n_choices(self) -> NDArray[np.int8]:
        """Number of choices of each gene, ``(n_genes,)``; they are ordered by MACs, least first."""

    @property
    def n_genes(self) -> int:
        """Length of a gene vector."""
        return len(self.n_choices)

    @property
    @abstractmethod
    def settings(self) -> Arch:
        """What all archs of this space share: ``space`` and what was set apart from defaults."""

    @property
    def without_resolution(self) -> Arch:
        """The settings that weights depend on: those of spaces that share one supernet."""
        return {key: value for key, value in self.settings.items() if key != "resolution"}

    def with_settings(self, **settings: Any) -> Space:
        """The space with other settings.

        Raises:
            UsageError: it has no such settings.
        """
        return self.from_arch({**self.settings, **settings})

    @property
    def members(self) -> tuple[Space, ...]:
        """Spaces of one input resolution each that hold its architectures; itself if it has one."""
        return (self,)

    def by_member(self, genes: Genes) -> list[tuple[Space, NDArray[np.intp], Genes]]:
        """Architectures ``(n, n_genes)`` by member: it, its rows ``(m,)``, their genes in it."""
        return [(self, np.arange(len(genes)), genes)]

    @property
    def label(self) -> str:
        """Name and settings in a few words."""
        own = [f"{key}={value}" for key, value in self.settings.items() if key != "space"]
        return " ".join([self.name, *own])

    @classmethod
    @abstractmethod
    def from_arch(cls, arch: Mapping[str, object]) -> Self:
        """The space that an arch's JSON object belongs to.

        Raises:
            UsageError: a field of it is unknown, with near ones, or a setting is out of range.
        """

    @classmethod
    def recognise(cls, value: object) -> Arch | None:
        """An arch written in another project's form as this space's JSON object, else None."""
        return None

    @property
    def input_shape(self) -> Shape:
        """What its networks read: ``(h, w, c)``; the largest where their resolution is a gene."""
        return self.network(self.canonical(np.zeros((1, self.n_genes), np.int8))[0]).inputs[0]

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of distinct architectures."""

    def active(self, genes: Genes) -> NDArray[np.bool_]:
        """Which genes matter in each architecture ``(n, n_genes)``; all, unless overridden."""
        return np.ones(genes.shape, np.bool_)

    def canonical(self, genes: Genes) -> Genes:
        """The same architectures with inactive genes set to 0: ``(n, n_genes)``.

        Raises:
            UsageError: a gene is outside its choices, or the shape is wrong.
        """
        genes = self.checked(genes)
        return np.where(self.active(genes), genes, 0).astype(np.int8)

    def checked(self, genes: Genes) -> Genes:
        """``genes`` if their shape and values belong to this space.

        Raises:
            UsageError: naming the first value that does not.
        """
        genes = np.asarray(genes)
        if genes.ndim != 2 or genes.shape[1] != self.n_genes:
            raise UsageError(f"genes: expected shape (n, {self.n_genes}), got {genes.shape}")
        if (outside := (genes < 0) | (genes >= self.n_choices)).any():
            row, gene = np.argwhere(outside)[0]
            raise UsageError(
                f"genes[{row}][{gene}] is {genes[row, gene]}, "
                f"expected 0 to {self.n_choices[gene] - 1}"
            )
        return genes.astype(np.int8, copy=False)

    @abstractmethod
    def decode(self, genes: Genes) -> list[Arch]:
        """Genes ``(n, n_genes)`` as JSON objects: the settings and a field or more of choices."""

    @abstractmethod
    def encode(self, archs: Sequence[Mapping[str, object]]) -> Genes:
        """JSON objects of this space as canonical genes ``(n, n_genes)``.

        Raises:
            UsageError: a field is missing, superfluous or out of range, named with its value.
        """

    def sample(self, n: int, rng: np.random.Generator, strategy: Sampling = "uniform") -> Genes:
        """Random canonical architectures ``(n, n_genes)``.

        ``uniform`` draws every gene uniformly, which covers only the middle of the range of MACs
        where there are many genes; ``biased`` gives each architecture its own leaning towards
        cheap or costly choices and so covers the whole range.
        """
        if strategy == "uniform":
            genes = rng.integers(0, self.n_choices, (n, self.n_genes), np.int8)
        elif strategy == "biased":
            leaning = rng.uniform(-_MAX_LEANING, _MAX_LEANING, (n, 1, 1))
            n_choices, choices = self.n_choices[:, None], np.arange(self.n_choices.max())
            # A gene of one choice has nothing to lean to.
            relative = choices / np.maximum(n_choices - 1, 1)
            scores = leaning * relative + rng.gumbel(size=(n, *relative.shape))
            genes = np.where(choices < n_choices, scores, -np.inf).argmax(-1).astype(np.int8)
        else:
            raise UsageError(f"sampling is {strategy!r}, expected 'uniform' or 'biased'")
        return self.canonical(genes)

    @property
    @abstractmethod
    def vocabulary(self) -> tuple[Block, ...]:
        """Every distinct block, each with a key of its own: the entries of a lookup table."""

    @property
    def panels(self) -> Layout:
        """Blocks laid out in rows and columns for tables and heat maps; the rest are listed."""
        return ()

    @abstractmethod
    def slots(self, genes: Genes) -> NDArray[np.int16]:
        """Which blocks each architecture uses: indices into the vocabulary ``(n, n_slots)``.

        -1 stands for no block. The sum of a value per block over a row is its additive cost. They
        are the blocks of :meth:`network`, each as often as there.
        """

    def executed_slots(self, genes: Genes) -> NDArray[np.int16]:
        """:meth:`slots` without blocks whose result is not used: what a model file holds."""
        return self.slots(genes)

    @property
    @abstractmethod
    def parts(self) -> tuple[tuple[slice, Genes], ...]:
        """Groups of genes that contribute to additive costs independently of each other.

        Each is the slice of its genes and all their distinct canonical values ``(k, n_genes)``.
        They hold every gene in order but those that :attr:`origins` differ in.
        """

    @property
    def origins(self) -> Genes:
        """Architectures that additive costs are counted from, ``(k, n_genes)``: one of zeros.

        A gene that changes every block, as the input resolution does, is in none of :attr:`parts`:
        these contribute independently to networks that are alike in it. There is an origin for
        each of its choices then, whose other genes are 0.
        """
        return np.zeros((1, self.n_genes), np.int8)

    @abstractmethod
    def network(self, genes: Genes) -> Network:
        """The network of one architecture ``(n_genes,)``."""

    def additive(self, genes: Genes, costs: AnyArray, *, executed: bool = False) -> AnyArray:
        """Sum of each architecture's block costs.

        Args:
            genes: ``(n, n_genes)``.
            costs: value of each block of the vocabulary, ``(n_blocks,)``.
            executed: leave out blocks whose result is not used.

        Returns:
            ``(n,)`` of the dtype of ``costs``.
        """
        padded = np.append(costs, np.zeros(1, costs.dtype))
        slots = self.executed_slots(genes) if executed else self.slots(genes)
        if 0 < len(slots) <= _FEW:  # the same sums, in the same order
            running: AnyArray = padded[slots].cumsum(1, costs.dtype)[:, -1]
            return running
        total = np.zeros(len(slots), costs.dtype)
        for column in slots.T:
            total += padded[column]
        return total

    @cached_property
    def _block_macs(self) -> NDArray[np.int64]:
        return np.array([block.macs for block in self.vocabulary], np.int64)

    @cached_property
    def _block_params(self) -> NDArray[np.int64]:
        return np.array([block.params for block in self.vocabulary], np.int64)

    def macs(self, genes: Genes) -> NDArray[np.int64]:
        """Multiply-accumulates of convolutions and linear layers at batch 1: ``(n,)``."""
        return self.additive(genes, self._block_macs)

    def params(self, genes: Genes) -> NDArray[np.int64]:
        """Number of trainable parameters: ``(n,)``."""
        return self.additive(genes, self._block_params)

    @cached_property
    def _block_peaks(self) -> NDArray[np.int64] | None:
        return chain_peaks(self.vocabulary)

    @cached_property
    def _known_peaks(self) -> dict[bytes, int]:
        return {}

    def peak_memory(self, genes: Genes) -> NDArray[np.int64]:
        """Bytes of activations alive at once at fp32 and batch 1, see ``spaces.memory``: ``(n,)``.

        Looked up by block where networks are chains of blocks; otherwise each network is gone
        through, which takes about a millisecond the first time it is asked for.
        """
        if self._block_peaks is not None:
            padded = np.append(self._block_peaks, 0)
            chained: NDArray[np.int64] = padded[self.executed_slots(genes)].max(1, initial=0)
            return chained
        return np.array([self._peak(row) for row in self.canonical(genes)], np.int64)

    def _peak(self, row: Genes) -> int:
        known = self._known_peaks
        if (key := row.tobytes()) not in known:
            known[key] = peak_memory(self.network(row).program())
        return known[key]

    def onehot(self, genes: Genes) -> NDArray[np.float32]:
        """One-hot genes ``(n, n_choices.sum())``; inactive genes are all-zero."""
        starts = np.cumsum(self.n_choices, dtype=np.int64) - self.n_choices
        encoded = np.zeros((len(genes), int(self.n_choices.sum(dtype=np.int64))), np.float32)
        rows, columns = np.nonzero(self.active(genes))
        encoded[rows, starts[columns] + genes[rows, columns]] = 1
        return encoded
