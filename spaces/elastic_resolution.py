"""Networks of one space at several input resolutions, the resolution being one gene more.

Cai et al., "Once-for-All", ICLR 2020, Sec. 3.1, call it elastic resolution; searched beside the
network it is in Lu et al., "Neural Architecture Transfer", TPAMI 2021, Sec. 3.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.reader import brief
from spaces.base import Arch, Genes, Space
from spaces.fields import check_number, reject_unknown
from spaces.graph import Block, Network
from spaces.named import spaces
from spaces.ops import Shape

MOST_RESOLUTIONS = 32


@dataclass(frozen=True, eq=False)
class ElasticResolutionSpace(Space):
    """A space at each of some resolutions.

    Genes: the resolution, then those of the space. An architecture is one of the space at its
    resolution: its JSON object names that space, not this one.

    Args:
        of: settings of the space, without a resolution.
        resolutions: input pixels, ascending; 2 to 32 of them.
    """

    name: ClassVar[str] = "elastic-resolution"

    of: Arch
    resolutions: tuple[int, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.of, Mapping) or not isinstance(self.of.get("space"), str):
            raise UsageError(
                f"of is {brief(self.of)}, expected the settings of a space",
                'As {"space": "ofa-mbv3", "width": 1.0}, without a resolution.',
            )
        if "resolution" in self.of:
            raise UsageError(
                f"of has a resolution, {brief(self.of['resolution'])}",
                "Leave it out: resolutions says which there are.",
            )
        if self.of["space"] == self.name:
            raise UsageError(f"of is an {self.name} space itself, expected one of one resolution")
        self._check_resolutions()
        if len({member.n_genes for member in self.members}) > 1:
            raise UsageError(f"networks of {self.of['space']} differ in their genes by resolution")
        object.__setattr__(self, "of", self.members[0].without_resolution)

    def _check_resolutions(self) -> None:
        chosen = self.resolutions
        if not isinstance(chosen, Sequence) or not 2 <= len(chosen) <= MOST_RESOLUTIONS:
            raise UsageError(
                f"resolutions is {brief(chosen)}, expected 2 to {MOST_RESOLUTIONS} whole numbers"
            )
        for position, resolution in enumerate(chosen):
            check_number(f"resolutions[{position}]", resolution, 1, 1_000_000)
        if list(chosen) != sorted(set(chosen)):
            raise UsageError(
                f"resolutions is {list(chosen)}, expected each once, in ascending order",
                f"{sorted(set(chosen))}",
            )

    def __reduce__(self) -> tuple[type[Self], tuple[Arch, tuple[int, ...]]]:
        # Whoever is given it derives its blocks again, which are many times as large.
        return type(self), (self.of, self.resolutions)

    @classmethod
    def from_arch(cls, arch: Mapping[str, object]) -> Self:
        reject_unknown(arch, ("space", "of", "resolutions"))
        for field in ("of", "resolutions"):
            if field not in arch:
                raise UsageError(f"space {cls.name!r}: field {field!r} is missing")
        of: Any = arch["of"]
        resolutions: Any = arch["resolutions"]
        return cls(of, tuple(resolutions) if isinstance(resolutions, list) else resolutions)

    @property
    def settings(self) -> Arch:
        """``space``, ``of`` and ``resolutions``."""
        return {"space": self.name, "of": dict(self.of), "resolutions": list(self.resolutions)}

    @property
    def without_resolution(self) -> Arch:
        return dict(self.of)

    def with_settings(self, **settings: Any) -> Space:
        """The space with other settings of the space that it is of.

        With a ``resolution`` it is that space at this one resolution.
        """
        if "resolution" in settings:
            return self.members[-1].with_settings(**settings)
        return type(self)(
            self.members[-1].with_settings(**settings).without_resolution, self.resolutions
        )

    @property
    def label(self) -> str:
        """Its resolutions, and the space at the largest one."""
        return f"{self.name} {'/'.join(map(str, self.resolutions))} of {self.members[-1].label}"

    @cached_property
    def members(self) -> tuple[Space, ...]:
        """The space at each resolution."""
        kind = spaces.get(self.of["space"])
        return tuple(
            kind.from_arch({**self.of, "resolution": resolution}) for resolution in self.resolutions
        )

    def at(self, resolution: int) -> Space:
        """The space at one of the resolutions.

        Raises:
            UsageError: it is none of them.
        """
        if resolution not in self.resolutions:
            raise UsageError(
                f"resolution is {brief(resolution)}, expected one of "
                f"{', '.join(map(str, self.resolutions))}"
            )
        return self.members[self.resolutions.index(resolution)]

    def by_member(self, genes: Genes) -> list[tuple[Space, NDArray[np.intp], Genes]]:
        genes = self.checked(genes)
        present = (
            (member, np.flatnonzero(genes[:, 0] == n)) for n, member in enumerate(self.members)
        )
        return [(member, rows, genes[rows, 1:]) for member, rows in present if len(rows)]

    # --- genes ----------------------------------------------------------------------------------

    @cached_property
    def n_choices(self) -> NDArray[np.int8]:
        return np.append(np.int8(len(self.resolutions)), self.members[0].n_choices)

    @property
    def input_shape(self) -> Shape:
        """Of networks of the largest resolution; others read smaller images."""
        return self.members[-1].input_shape

    @property
    def size(self) -> int:
        return sum(member.size for member in self.members)

    def active(self, genes: Genes) -> NDArray[np.bool_]:
        first = np.ones((len(genes), 1), np.bool_)
        return np.concatenate([first, self.members[0].active(genes[:, 1:])], 1)

    def decode(self, genes: Genes) -> list[Arch]:
        archs: list[Arch] = [{}] * len(genes)
        for member, rows, own in self.by_member(genes):
            for row, arch in zip(rows.tolist(), member.decode(own), strict=True):
                archs[row] = arch
        return archs

    def encode(self, archs: Sequence[Mapping[str, object]]) -> Genes:
        genes = np.zeros((len(archs), self.n_genes), np.int8)
        kind, numbers = type(self.members[0]), {space: n for n, space in enumerate(self.members)}
        for row, arch in enumerate(archs):
            if arch.get("space") != kind.name:
                raise UsageError(
                    f"arch {row} is of space {brief(arch.get('space'))}, expected {kind.name!r}",
                    f"Architectures of {self.name!r} are those of its spaces of one resolution.",
                )
            space = kind.from_arch(arch)
            if space not in numbers:
                raise UsageError(
                    f"arch {row} belongs to another space: expected one of {self.label}, "
                    f"got {space.label}"
                )
            genes[row, 0] = numbers[space]
            try:
                genes[row, 1:] = space.encode([arch])[0]
            except UsageError as error:
                message = error.message.replace("arch 0", f"arch {row}", 1)
                raise UsageError(message, error.remedy) from error
        return genes

    # --- blocks ---------------------------------------------------------------------------------

    @cached_property
    def vocabulary(self) -> tuple[Block, ...]:
        """The blocks of all members, each once."""
        blocks = (block for member in self.members for block in member.vocabulary)
        return tuple({block.key: block for block in blocks}.values())

    @cached_property
    def _places(self) -> dict[Space, NDArray[np.int16]]:
        """Where each member's blocks are, and -1 behind them for no block: ``(n_blocks + 1,)``."""
        number = {block.key: n for n, block in enumerate(self.vocabulary)}
        return {
            member: np.array([*(number[block.key] for block in member.vocabulary), -1], np.int16)
            for member in self.members
        }

    def slots(self, genes: Genes) -> NDArray[np.int16]:
        return self._united(genes, "slots")

    def executed_slots(self, genes: Genes) -> NDArray[np.int16]:
        return self._united(genes, "executed_slots")

    def _united(self, genes: Genes, name: str) -> NDArray[np.int16]:
        """The slots that members give, as places in the vocabulary of all."""
        parts = [
            (rows, self._places[member][getattr(member, name)(own)])
            for member, rows, own in self.by_member(genes)
        ]
        width = max((part.shape[1] for _, part in parts), default=0)
        slots = np.full((len(genes), width), -1, np.int16)
        for rows, part in parts:
            slots[rows, : part.shape[1]] = part
        return slots

    @property
    def origins(self) -> Genes:
        """An architecture of each resolution."""
        rows = np.zeros((len(self.resolutions), self.n_genes), np.int8)
        rows[:, 0] = np.arange(len(rows))
        return rows

    @cached_property
    def parts(self) -> tuple[tuple[slice, Genes], ...]:
        """Those of the space; the resolution is in none of them."""
        shifted = (
            (part.start + 1, part.stop + 1, values) for part, values in self.members[0].parts
        )
        return tuple((slice(start, stop), values) for start, stop, values in shifted)

    def network(self, genes: Genes) -> Network:
        ((member, _, own),) = self.by_member(np.asarray(genes)[None])
        return member.network(own[0])
