"""Architectures under names, however they were given."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np

from nasprof.errors import UsageError
from nasprof.reader import brief
from spaces import Arch, Genes, Space, parse_arch, read_archs
from spaces.graph import Network


@dataclass(frozen=True)
class NamedArch:
    """An architecture under a short name that is unique among those given together."""

    name: str
    space: Space
    arch: Arch

    @property
    def genes(self) -> Genes:
        """Its genes ``(n_genes,)``."""
        genes: Genes = self.space.encode([self.arch])[0]
        return genes

    @property
    def network(self) -> Network:
        """The architecture's network."""
        return self.space.network(self.genes)


ArchLike: TypeAlias = (
    str | Path | Mapping[str, object] | Sequence[object] | tuple[Space, Genes] | NamedArch
)
"""A file of architectures, an architecture as a dict, a space with genes ``(n_genes,)`` or
``(n, n_genes)``, or one that has a name already."""


def named_archs(archs: ArchLike | Iterable[ArchLike]) -> list[NamedArch]:
    """Every architecture, in order.

    Those of a file are named after it, all others ``arch0``, ``arch1``, ... by their number.

    Raises:
        UsageError: naming the file or the architecture that is none.

    >>> from spaces import get_space
    >>> space = get_space("ofa-mbv3")
    >>> genes = space.sample(2, np.random.default_rng(0))
    >>> [arch.name for arch in named_archs([(space, genes), space.decode(genes)[0]])]
    ['arch0', 'arch1', 'arch2']
    """
    several = archs if isinstance(archs, Iterable) and not is_arch(archs) else [archs]
    named: list[NamedArch] = []
    for given in several:
        named += numbered_archs(given, len(named))
    names = unique_names(arch.name for arch in named)
    return [NamedArch(name, arch.space, arch.arch) for name, arch in zip(names, named, strict=True)]


def is_arch(given: object) -> bool:
    """Whether it is of a type that architectures are given as."""
    return isinstance(given, str | Path | Mapping | NamedArch) or _is_genes(given)


def _is_genes(given: object) -> bool:
    return isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], Space)


def numbered_archs(given: object, number: int) -> list[NamedArch]:
    """The architectures of one thing that was given.

    Args:
        given: see :data:`ArchLike`.
        number: how many architectures came before it.
    """
    if isinstance(given, NamedArch):
        return [given]
    if isinstance(given, Mapping):
        return [NamedArch(f"arch{number}", *parse_arch(dict(given)))]
    if isinstance(given, str | Path):
        return _of_file(Path(given))
    if _is_genes(given):
        space, genes = cast(tuple[Space, Genes], given)
        own = (space.by_member(row[None]) for row in _checked(space, genes))
        archs = [(member, member.decode(its)[0]) for ((member, _, its),) in own]
        return [NamedArch(f"arch{number + i}", *pair) for i, pair in enumerate(archs)]
    raise UsageError(
        f"{brief(given)} is no architecture",
        "Expected a file, a dict, or a space with genes.",
    )


def _checked(space: Space, genes: Genes) -> Genes:
    """Canonical genes ``(n, n_genes)``."""
    rows = np.atleast_2d(np.asarray(genes))
    if rows.ndim != 2 or rows.shape[1] != space.n_genes or rows.dtype.kind not in "iu":
        raise UsageError(
            f"genes of {space.label}: expected whole numbers of shape (n, {space.n_genes}), "
            f"got {rows.dtype} of shape {rows.shape}"
        )
    wrong = np.argwhere((rows < 0) | (rows >= space.n_choices))
    if len(wrong):
        row, gene = wrong[0]
        raise UsageError(
            f"genes of {space.label}: gene {gene} of row {row} is {rows[row, gene]}, "
            f"expected at least 0 and below {space.n_choices[gene]}"
        )
    return space.canonical(rows.astype(np.int8))


def _of_file(path: Path) -> list[NamedArch]:
    pairs = read_archs(path)
    if len(pairs) == 1:
        return [NamedArch(path.stem, *pairs[0])]
    return [NamedArch(f"{path.stem}-{number}", *pair) for number, pair in enumerate(pairs)]


def unique_names(names: Iterable[str]) -> list[str]:
    """The names in order, those that came before with a number behind them.

    >>> unique_names(["a", "b", "a"])
    ['a', 'b', 'a-2']
    """
    unique: dict[str, None] = {}
    for name in names:
        count = itertools.count(2)
        candidate = name
        while candidate in unique:
            candidate = f"{name}-{next(count)}"
        unique[candidate] = None
    return list(unique)
