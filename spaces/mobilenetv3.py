"""OFA's MobileNetV3 space: 5 stages of 2-4 inverted residuals, kernels 3/5/7, expansions 3/4/6.

Source: Cai et al., "Once-for-All", ICLR 2020, Sec. 3; blocks from Howard et al., "Searching for
MobileNetV3", 2019. Parameter names are those of the published checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.reader import brief
from nasprof.typing import AnyArray
from spaces import mobilenetv3_forms as forms
from spaces.base import Arch, Genes, Space
from spaces.fields import check_number, check_numbers, masked_indices, reject_unknown, stack
from spaces.graph import Block, Layer, Network
from spaces.mobilenetv3_blocks import make_divisible
from spaces.mobilenetv3_catalogue import Catalogue, stage_genes
from spaces.panels import Layout

_STEM_WIDTH, _HEAD_WIDTHS = 16, (960, 1280)
_STAGE_WIDTHS, _STAGE_STRIDES = (24, 40, 80, 112, 160), (2, 2, 2, 1, 2)
_MOST_CHANNELS = 8192
"""Of a layer before its expansion: three times what any published network has."""
_CHOICE_FIELDS = ("depths", "kernel_sizes", "expand_ratios")


@dataclass(frozen=True)
class MobileNetV3Space(Space):
    """OFA's MobileNetV3 space, or a variant of the same shape.

    Genes: per stage ``depth``, then ``expansion, kernel`` of each of its 4 blocks; 45 in all.
    Positions of ``kernel_sizes`` and ``expand_ratios`` are ``4 * stage + block``.

    Args:
        width: multiplier of the channel numbers below, 1.0 or 1.2; numbers given explicitly are
            taken as they are.
        resolution: input height and width in pixels. 128-256 in steps of 4; a variant (any other
            argument set) may have any of at least 8.
        classes: outputs of the classifier.
        in_channels: channels of the input.
        stem_width: channels of the first convolution and of the first block.
        stem_stride: stride of the first convolution.
        stage_widths: output channels of the 5 stages.
        stage_strides: strides of the 5 stages' first blocks.
        head_widths: channels before and after the global pooling.
    """

    name: ClassVar[str] = "ofa-mbv3"
    depth_choices: ClassVar[tuple[int, ...]] = forms.DEPTHS
    kernel_choices: ClassVar[tuple[int, ...]] = forms.KERNELS
    expand_choices: ClassVar[tuple[int, ...]] = forms.RATIOS
    n_stages: ClassVar[int] = forms.N_STAGES
    max_depth: ClassVar[int] = forms.MAX_DEPTH
    n_blocks: ClassVar[int] = n_stages * max_depth

    width: float = 1.0
    resolution: int = 224
    classes: int = 1000
    in_channels: int = 3
    stem_width: int | None = None
    stem_stride: int = 2
    stage_widths: tuple[int, ...] | None = None
    stage_strides: tuple[int, ...] = _STAGE_STRIDES
    head_widths: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.width not in forms.WIDTHS:
            raise UsageError(
                f"width is {brief(self.width)}, expected 1.0 or 1.2",
                "Other channel numbers are set by stem_width, stage_widths and head_widths.",
            )
        check_number("resolution", self.resolution, 8, 4096)
        if not self._is_variant and not (
            128 <= self.resolution <= 256 and self.resolution % 4 == 0
        ):
            raise UsageError(
                f"resolution is {self.resolution}, expected 128 to 256 in steps of 4",
                "Variants (with their own stage_widths, stage_strides, ...) may have any other.",
            )
        for field in ("classes", "in_channels", "stem_stride"):
            check_number(field, getattr(self, field), 1, 1_000_000)
        if self.stem_width is not None:
            check_number("stem_width", self.stem_width, 1, _MOST_CHANNELS)
        if self.stage_widths is not None:
            check_numbers("stage_widths", self.stage_widths, self.n_stages, 1, _MOST_CHANNELS)
        check_numbers("stage_strides", self.stage_strides, self.n_stages, 1, 2)
        if self.head_widths is not None:
            check_numbers("head_widths", self.head_widths, 2, 1, _MOST_CHANNELS)

    @property
    def _is_variant(self) -> bool:
        shape = ("stem_width", "stem_stride", "stage_widths", "stage_strides", "head_widths")
        return any(getattr(self, f.name) != f.default for f in fields(self) if f.name in shape)

    @property
    def settings(self) -> Arch:
        """``space``, ``width``, ``resolution``, and every other argument set."""
        shared: Arch = {"space": self.name, "width": self.width, "resolution": self.resolution}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in shared and value != field.default:
                shared[field.name] = list(value) if isinstance(value, tuple) else value
        return shared

    @property
    def label(self) -> str:
        variant = " variant" if self._is_variant else ""
        return f"{self.name} w{self.width}@{self.resolution}{variant}"

    @classmethod
    def from_arch(cls, arch: Mapping[str, object]) -> Self:
        own = {f.name: f.default for f in fields(cls) if f.default is not MISSING}
        reject_unknown(arch, ("space", *own, *_CHOICE_FIELDS))
        settings: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in arch.items()
            if key in own
        }
        if settings.get("width") == 1:
            settings["width"] = 1.0
        return cls(**settings)

    @classmethod
    def recognise(cls, value: object) -> Arch | None:
        """The forms of OFA, NAT, NSGANetV2 and PNAG, see :mod:`spaces.mobilenetv3_forms`."""
        recognised = forms.recognise(value)
        return None if recognised is None else {"space": cls.name, **recognised}

    @property
    def n_choices(self) -> NDArray[np.int8]:
        return np.full(self.n_stages * (1 + 2 * self.max_depth), 3, np.int8)

    # --- genes and their other forms ---------------------------------------------------------

    @property
    def size(self) -> int:
        pairs = len(self.kernel_choices) * len(self.expand_choices)
        return int(sum(pairs**depth for depth in self.depth_choices) ** self.n_stages)

    def _split(self, genes: Genes) -> tuple[Genes, Genes, Genes]:
        """Depth genes (n, 5), expansion genes (n, 5, 4) and kernel genes (n, 5, 4)."""
        stages = genes.reshape(len(genes), self.n_stages, 1 + 2 * self.max_depth)
        return stages[:, :, 0], stages[:, :, 1::2], stages[:, :, 2::2]

    def _join(self, depth: AnyArray, expand: AnyArray, kernel: AnyArray) -> Genes:
        stages = np.empty((len(depth), self.n_stages, 1 + 2 * self.max_depth), np.int8)
        stages[:, :, 0], stages[:, :, 1::2], stages[:, :, 2::2] = depth, expand, kernel
        return stages.reshape(len(depth), self.n_genes)

    def _used(self, depth: AnyArray) -> NDArray[np.bool_]:
        """Which blocks exist, (n, 5, 4), for depth genes (n, 5)."""
        used: NDArray[np.bool_] = (
            np.arange(self.max_depth) < (np.array(self.depth_choices)[depth][:, :, None])
        )
        return used

    def active(self, genes: Genes) -> NDArray[np.bool_]:
        depth = self._split(genes)[0]
        used = self._used(depth)
        return self._join(np.ones_like(depth), used, used).astype(np.bool_)

    def choices(
        self, genes: Genes, inactive: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Depths (n, 5), kernel sizes (n, 20) and expansion ratios (n, 20).

        Inactive positions hold the smallest choice, or ``inactive`` if given.
        """
        depth, expand, kernel = self._split(self.canonical(genes))
        sizes = np.array(self.kernel_choices)[kernel].reshape(len(genes), self.n_blocks)
        ratios = np.array(self.expand_choices)[expand].reshape(len(genes), self.n_blocks)
        if inactive is not None:
            used = self._used(depth).reshape(len(genes), self.n_blocks)
            sizes, ratios = np.where(used, sizes, inactive), np.where(used, ratios, inactive)
        return np.array(self.depth_choices)[depth], sizes, ratios

    def from_choices(
        self, depths: AnyArray, kernel_sizes: AnyArray, expand_ratios: AnyArray
    ) -> Genes:
        """Canonical genes of depths (n, 5), kernel sizes (n, 20) and expansion ratios (n, 20).

        Inactive positions may hold anything.
        """
        grid = (len(depths), self.n_stages, self.max_depth)
        depth = masked_indices(
            "depths", depths, self.depth_choices, np.ones(np.shape(depths), np.bool_)
        )
        used = self._used(depth).reshape(len(depths), self.n_blocks)
        kernel = masked_indices("kernel_sizes", kernel_sizes, self.kernel_choices, used)
        expand = masked_indices("expand_ratios", expand_ratios, self.expand_choices, used)
        return self._join(depth, expand.reshape(grid), kernel.reshape(grid))

    def encode(self, archs: Sequence[Mapping[str, object]]) -> Genes:
        for number, arch in enumerate(archs):
            if self.from_arch(arch) != self:
                raise UsageError(
                    f"arch {number} belongs to another space: expected {self.settings}, "
                    f"got {self.from_arch(arch).settings}"
                )
        positions = self.n_stages * self.max_depth
        archs = [forms.settled(arch) for arch in archs]
        return self.from_choices(
            stack(archs, "depths", self.n_stages),
            stack(archs, "kernel_sizes", positions),
            stack(archs, "expand_ratios", positions),
        )

    def decode(self, genes: Genes) -> list[Arch]:
        shared = self.settings
        columns = (column.tolist() for column in self.choices(genes))
        return [
            shared | dict(zip(_CHOICE_FIELDS, row, strict=True))
            for row in zip(*columns, strict=True)
        ]

    def to_ofa(self, genes: Genes) -> list[dict[str, Any]]:
        """OFA's dicts ``{"ks": [20], "e": [20], "d": [5], "r": [1]}``, with ``wid`` unless 1.0."""
        width = {} if self.width == 1.0 else {"wid": self.width}
        depths, sizes, ratios = (column.tolist() for column in self.choices(genes))
        return [
            {"ks": ks, "e": e, "d": d, "r": [self.resolution], **width}
            for d, ks, e in zip(depths, sizes, ratios, strict=True)
        ]

    def to_pnag(self, genes: Genes) -> list[str]:
        """PNAG's strings ``d:ks:e``, numbers separated by commas, 0 where a block is absent."""
        columns = (column.tolist() for column in self.choices(genes, inactive=0))
        return [
            ":".join(",".join(map(str, numbers)) for numbers in row)
            for row in zip(*columns, strict=True)
        ]

    def _widths(self) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
        def scaled(defaults: Sequence[int]) -> tuple[int, ...]:
            return tuple(make_divisible(channels * self.width) for channels in defaults)

        return (
            self.stem_width or scaled((_STEM_WIDTH,))[0],
            self.stage_widths or scaled(_STAGE_WIDTHS),
            self.head_widths or scaled(_HEAD_WIDTHS),
        )

    @cached_property
    def _catalogue(self) -> Catalogue:
        stem_width, stage_widths, head_widths = self._widths()
        return Catalogue.of(
            (self.resolution, self.resolution, self.in_channels),
            (stem_width, self.stem_stride),
            tuple(zip(stage_widths, self.stage_strides, strict=True)),
            head_widths,
            self.classes,
        )

    @property
    def vocabulary(self) -> tuple[Block, ...]:
        return self._catalogue.blocks

    @property
    def panels(self) -> Layout:
        """Kernel by expansion: a column a stage, first blocks above later ones."""
        return self._catalogue.panels

    def slots(self, genes: Genes) -> NDArray[np.int16]:
        numbers = self._catalogue.numbers.reshape(self.n_stages, 2, -1)
        columns = np.ascontiguousarray(self.checked(genes).T)
        slots = np.empty((3 + self.n_stages * self.max_depth, len(genes)), np.int16)
        slots[0], slots[1], slots[2] = 0, 1, len(self.vocabulary) - 1
        stages = columns.reshape(self.n_stages, 1 + 2 * self.max_depth, len(genes))
        for position, (stage, block) in enumerate(np.ndindex(self.n_stages, self.max_depth), 3):
            depth, expand, kernel = stages[stage][[0, 1 + 2 * block, 2 + 2 * block]]
            choice = kernel * len(self.expand_choices) + expand
            slots[position] = numbers[stage, int(block > 0)].take(choice)
            slots[position][depth <= block - self.depth_choices[0]] = -1
        return slots.T

    @cached_property
    def parts(self) -> tuple[tuple[slice, Genes], ...]:
        stage = stage_genes()
        width = stage.shape[1]
        return tuple((slice(i * width, (i + 1) * width), stage) for i in range(self.n_stages))

    def network(self, genes: Genes) -> Network:
        chosen = self.slots(np.asarray(genes)[None])[0]
        stem, first, head = (self.vocabulary[number] for number in chosen[:3])
        blocks = [first, *(self.vocabulary[number] for number in chosen[3:] if number >= 0)]
        layers = [Layer("stem", "first_conv.", stem, ("input",))]
        for number, block in enumerate(blocks):
            layers.append(
                Layer(f"block{number}", f"blocks.{number}.conv.", block, (layers[-1].name,))
            )
        layers.append(Layer("head", "", head, (layers[-1].name,)))
        return Network(self.to_pnag(np.asarray(genes)[None])[0], stem.inputs, tuple(layers))
