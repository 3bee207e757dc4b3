"""Forms in which other projects write architectures of OFA's MobileNetV3 space.

OFA's dict ``{"ks": [20], "e": [20], "d": [5], "r": [224]}``, where positions of absent blocks may
hold anything (None, 0) and one number stands for all; NSGANetV2's and NAT's ``.subnet`` files, the
same with as many ``ks`` and ``e`` as there are blocks, and with a width ``w``; NAT's list of 22
whole numbers (``.encoding``) and NSGANetV2's of 46; PNAG's string ``d:ks:e``.

Sources: once-for-all, ``ofa_mbv3.py``; neural-architecture-transfer, ``subnets/``; nsganetv2,
``search_space/ofa.py`` and ``evaluator.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from nasprof.errors import UsageError
from nasprof.reader import brief, is_whole
from nasprof.typing import JsonObject
from spaces.fields import check_numbers, reject_unknown

DEPTHS, KERNELS, RATIOS = (2, 3, 4), (3, 5, 7), (3, 4, 6)
N_STAGES, MAX_DEPTH = 5, 4
N_BLOCKS = N_STAGES * MAX_DEPTH
WIDTHS = (1.0, 1.2)

_RESOLUTIONS = tuple(range(192, 257, 4))
"""What an index of NAT and NSGANetV2 stands for."""
_NAT_LENGTH = 2 + N_BLOCKS
_NSGANET_LENGTH = N_STAGES * (1 + 2 * MAX_DEPTH) + 1
_DIGITS = re.compile(r"(\d\d?)(\d)(\d{20})")


def recognise(value: object) -> JsonObject | None:
    """An arch's fields besides ``space`` from any of these forms; None if it has none of them.

    Raises:
        UsageError: it has such a form, and something in it is wrong, named.
    """
    if isinstance(value, Mapping):
        return _from_dict(value)
    if isinstance(value, str):
        return _from_string(value.strip())
    if isinstance(value, Sequence) and value and all(type(item) is int for item in value):
        if len(value) == _NAT_LENGTH:
            return _from_nat(value)
        if len(value) == _NSGANET_LENGTH:
            return _from_nsganet(value)
    return None


def settled(arch: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arch with the smallest choices where blocks are absent, whatever stands there."""
    depths = arch.get("depths")
    if not (isinstance(depths, Sequence) and len(depths) == N_STAGES) or isinstance(depths, str):
        return arch
    if not all(type(depth) is int for depth in depths):
        return arch
    return {
        **arch,
        **{
            field: _filled(field, arch[field], depths, least)
            for field, least in (("kernel_sizes", KERNELS[0]), ("expand_ratios", RATIOS[0]))
            if isinstance(arch.get(field), Sequence) and len(arch[field]) == N_BLOCKS
        },
    }


def _filled(field: str, values: Sequence[Any], depths: Sequence[int], least: int) -> Any:
    if isinstance(values, str):
        return values
    for position, value in enumerate(values):
        if type(value) is int and not is_whole(value):
            raise UsageError(f"{field}[{position}] is {brief(value)}, expected at most 63 bits")
    return [
        value if position % MAX_DEPTH < depths[position // MAX_DEPTH] else least
        for position, value in enumerate(values)
    ]


# --- dicts ------------------------------------------------------------------------------------


def _from_dict(value: Mapping[Any, Any]) -> JsonObject | None:
    if {"ks", "e", "d"} <= set(value):
        return _from_ofa(value)
    if {"blocks", "first_conv"} <= set(value):
        raise UsageError(
            "this describes a whole network layer by layer, not a choice in a search space",
            "Give the .subnet file or the dict with ks, e and d that it was made from.",
        )
    return None


def _from_ofa(value: Mapping[str, Any]) -> JsonObject:
    reject_unknown(value, ("ks", "e", "d", "r", "w", "wid"))
    depths = _listed(value["d"], N_STAGES)
    arch: JsonObject = {
        "depths": depths,
        "kernel_sizes": _spread("ks (kernel_sizes)", _listed(value["ks"], N_BLOCKS), depths),
        "expand_ratios": _spread("e (expand_ratios)", _listed(value["e"], N_BLOCKS), depths),
    }
    if (resolution := value.get("r")) is not None:
        single = isinstance(resolution, list | tuple) and len(resolution) == 1
        arch["resolution"] = resolution[0] if single else resolution
    width = _width(value.get("w"), value.get("wid"))
    return arch if width is None else arch | {"width": width}


def _listed(values: Any, count: int) -> Any:
    """A list of what is one number for all, a tuple, or an array as numpy prints it."""
    if type(values) is int:
        return [values] * count
    if isinstance(values, str) and re.fullmatch(r"\[(?:\s*\d)+\s*\]", values):
        return [int(number) for number in values.strip("[]").split()]
    return list(values) if isinstance(values, tuple) else values


def _spread(field: str, values: Any, depths: Any) -> Any:
    """Values of the blocks at their 20 positions; as they are where they are none."""
    if not isinstance(values, list):
        raise UsageError(f"{field} is {brief(values)}, expected a list of whole numbers")
    if len(values) == N_BLOCKS:
        return values
    check_numbers("d", depths, N_STAGES, DEPTHS[0], DEPTHS[-1])
    if len(values) != sum(depths):
        raise UsageError(
            f"{field} has {len(values)} numbers, expected {N_BLOCKS}, or as many as there are "
            f"blocks: {sum(depths)}, the sum of d"
        )
    left = iter(values)
    return [
        next(left) if position < depth else None
        for depth in depths
        for position in range(MAX_DEPTH)
    ]


def _width(w: object, wid: object) -> object:
    """The width multiplier, which NAT calls ``w`` and we write as ``wid``."""
    if type(wid) is int:
        raise UsageError(
            f"wid is {wid}, which may be OFA's index into a list of widths or the width itself",
            'Write the multiplier: "wid": 1.0 or "wid": 1.2.',
        )
    if w is not None and wid is not None and w != wid:
        raise UsageError(f"w is {brief(w)} and wid is {brief(wid)}, expected one width")
    return wid if w is None else w


# --- strings and lists of whole numbers -------------------------------------------------------


def _from_string(text: str) -> JsonObject | None:
    if text.count(":") == 2:
        parts = [part.split(",") for part in text.split(":")]
        if all(re.fullmatch(r"\s*\d{1,9}\s*", number) for part in parts for number in part):
            depths, kernels, ratios = ([int(number) for number in part] for part in parts)
            return {"depths": depths, "kernel_sizes": kernels, "expand_ratios": ratios}
    if digits := _DIGITS.fullmatch(text):
        return _from_nat([int(digits[1]), int(digits[2]), *map(int, digits[3])])
    numbers = re.split(r"[\s,]+", text.strip("[]() "))
    if len(numbers) > 1 and all(re.fullmatch(r"\d{1,9}", number) for number in numbers):
        return recognise([int(number) for number in numbers])
    return None


def _from_nat(numbers: Sequence[int]) -> JsonObject:
    """NAT's index of a resolution, index of a width, and a number for each of 20 positions.

    0 is an absent block; 1 to 9 are kernels 3, 5, 7 with expansion 3, then with 4, then with 6.
    """
    resolution, width, *blocks = numbers
    return {
        "width": WIDTHS[_checked("the width (second number)", width, len(WIDTHS))],
        "resolution": _RESOLUTIONS[
            _checked("the resolution (first number)", resolution, len(_RESOLUTIONS))
        ],
        "depths": [_nat_depth(stage, blocks) for stage in range(N_STAGES)],
        "kernel_sizes": [KERNELS[_nat_choice(block) % 3] for block in blocks],
        "expand_ratios": [RATIOS[_nat_choice(block) // 3] for block in blocks],
    }


def _nat_depth(stage: int, blocks: Sequence[int]) -> int:
    own = list(blocks[stage * MAX_DEPTH : (stage + 1) * MAX_DEPTH])
    depth = sum(block > 0 for block in own)
    if depth < DEPTHS[0] or not all(own[:depth]):
        raise UsageError(
            f"stage {stage + 1} of the encoding is {own}, expected 2 to 4 numbers from 1 to 9, "
            "then zeros"
        )
    return depth


def _nat_choice(block: int) -> int:
    return max(0, _checked("a block of the encoding", block, 1 + len(KERNELS) * len(RATIOS)) - 1)


def _from_nsganet(numbers: Sequence[int]) -> JsonObject:
    """NSGANetV2's indices: a depth, 4 kernels and 4 expansions a stage; the resolution last."""
    arch: JsonObject = {"depths": [], "kernel_sizes": [], "expand_ratios": []}
    for start in range(0, _NSGANET_LENGTH - 1, 1 + 2 * MAX_DEPTH):
        stage = [
            _checked(f"number {start + offset + 1} of the encoding", index, 3)
            for offset, index in enumerate(numbers[start : start + 1 + 2 * MAX_DEPTH])
        ]
        arch["depths"].append(DEPTHS[stage[0]])
        arch["kernel_sizes"] += [KERNELS[index] for index in stage[1 : 1 + MAX_DEPTH]]
        arch["expand_ratios"] += [RATIOS[index] for index in stage[1 + MAX_DEPTH :]]
    last = _checked("the resolution (last number)", numbers[-1], len(_RESOLUTIONS))
    return arch | {"resolution": _RESOLUTIONS[last]}


def _checked(what: str, index: int, count: int) -> int:
    if not 0 <= index < count:
        raise UsageError(f"{what} is {index}, expected 0 to {count - 1}")
    return index
