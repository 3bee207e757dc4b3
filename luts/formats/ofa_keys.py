"""What OFA's tables call our blocks, and which space their keys are of."""

from __future__ import annotations

import re
from collections.abc import Collection

from nasprof.errors import UsageError
from spaces import Space, get_space
from spaces.graph import Block
from spaces.ops import Activation, Add, Conv, Gate, Linear, shape_key

WIDTHS = (1.0, 1.2)
_STEM = re.compile(r"Conv-input:(\d+)x\1x(\d+)-output:.*")
_CLASSIFIER = re.compile(r"Logits-input:.*-output:(\d+)")


def ofa_keys(space: Space) -> dict[str, tuple[str, ...]]:
    """OFA's keys, one or four, of each key of ours."""
    return {block.key: _keys_of(block) for block in space.vocabulary}


def _keys_of(block: Block) -> tuple[str, ...]:
    roles = {op.name for op in block.ops}
    if "classifier" in roles:
        return _head_keys(block)
    if "depth_conv" in roles:
        return (_mbconv_key(block),)
    return (f"Conv-{_ends(block)}",)


def _ends(block: Block) -> str:
    return f"input:{shape_key(block.inputs[0])}-output:{shape_key(block.output)}"


def _mbconv_key(block: Block) -> str:
    depthwise = next(op for op in block.ops if isinstance(op, Conv) and op.name == "depth_conv")
    flags = {
        "idskip": any(isinstance(op, Add) for op in block.ops),
        "se": any(isinstance(op, Gate) for op in block.ops),
        "hs": depthwise.activation is Activation.H_SWISH,
    }
    numbers = {
        "expand": depthwise.out_channels,
        "kernel": depthwise.kernel,
        "stride": depthwise.stride,
        **{name: int(flag) for name, flag in flags.items()},
    }
    rest = "-".join(f"{name}:{number}" for name, number in numbers.items())
    return f"expanded_conv-{_ends(block)}-{rest}"


def _head_keys(block: Block) -> tuple[str, ...]:
    mixed, last = (block.shapes[name] for name in ("final_expand", "feature_mix"))
    pooled = shape_key(block.shapes["pool"])
    classes = next(op.out_features for op in block.ops if isinstance(op, Linear))
    return (
        f"Conv_1-input:{shape_key(block.inputs[0])}-output:{shape_key(mixed)}",
        f"AvgPool2D-input:{shape_key(mixed)}-output:{pooled}",
        f"Conv_2-input:{pooled}-output:{shape_key(last)}",
        f"Logits-input:{shape_key(last)}-output:{classes}",
    )


def space_of(where: str, keys: Collection[str]) -> Space:
    """The space that the first convolution and the classifier among OFA's keys tell of.

    Raises:
        UsageError: they tell of none.
    """
    stems = [match for match in map(_STEM.fullmatch, keys) if match]
    if len(stems) != 1:
        raise UsageError(
            f"{where}: {len(stems)} of {len(keys)} keys are a first convolution, expected one",
            "Expected is a file a resolution, with a key like "
            "Conv-input:224x224x3-output:112x112x24.",
        )
    settings = {"resolution": int(stems[0][1]), "in_channels": int(stems[0][2])}
    classifiers = [match for match in map(_CLASSIFIER.fullmatch, keys) if match]
    if classifiers:
        settings["classes"] = int(classifiers[0][1])
    try:
        candidates = [get_space("ofa-mbv3", width=width, **settings) for width in WIDTHS]
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", error.remedy) from error
    known = {_keys_of(space.vocabulary[0])[0]: space for space in candidates}
    if stems[0][0] not in known:
        raise UsageError(
            f"{where}: {stems[0][0]!r} is the first convolution of no width that is known",
            f"Expected {' or '.join(known)}.",
        )
    return known[stems[0][0]]
