"""The blocks of OFA's MobileNetV3 space: stem, inverted residual block, head.

Source: Howard et al., "Searching for MobileNetV3", 2019, Sec. 5; parameter names are those of the
published OFA checkpoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spaces.graph import Block
from spaces.ops import Activation, Add, Conv, Gate, GlobalPool, Linear, Op, Shape, shape_key


def make_divisible(channels: float, divisor: int = 8) -> int:
    """The multiple of ``divisor`` nearest to ``channels``, never below nine tenths of it."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def stem_block(image: Shape, channels: int, stride: int) -> Block:
    """First convolution, 3 x 3 with h-swish."""
    conv = Conv(
        name="conv",
        inputs=("in0",),
        param="conv",
        norm="bn",
        in_channels=image[2],
        out_channels=channels,
        kernel=3,
        stride=stride,
        activation=Activation.H_SWISH,
    )
    output = shape_key(conv.output_shape(image))
    return Block(f"stem-i{shape_key(image)}-o{output}-k3-s{stride}-h_swish", (image,), (conv,))


def mbconv_block(
    shape: Shape,
    out_channels: int,
    middle: int,
    *,
    kernel: int,
    stride: int = 1,
    activation: Activation = Activation.RELU,
    squeeze: bool = False,
) -> Block:
    """Inverted residual block; not expanded where ``middle`` is the number of input channels."""
    channels = shape[2]
    ops: list[Op] = []
    if middle != channels:
        ops.append(_conv("inverted_bottleneck", "in0", channels, middle, activation=activation))
    ops.append(
        _conv(
            "depth_conv",
            ops[-1].name if ops else "in0",
            middle,
            middle,
            kernel=kernel,
            stride=stride,
            groups=middle,
            activation=activation,
        )
    )
    if squeeze:
        ops += _squeeze_excite(ops[-1].name, middle)
    ops.append(_conv("point_linear", ops[-1].name, middle, out_channels))
    if stride == 1 and channels == out_channels:
        ops.append(Add(name="residual", inputs=(ops[-1].name, "in0")))
    height, width = -(-shape[0] // stride), -(-shape[1] // stride)
    key = (
        f"mbconv-i{shape_key(shape)}-o{height}x{width}x{out_channels}-k{kernel}-s{stride}"
        f"-m{middle}-se{int(squeeze)}-{activation}"
    )
    return Block(key, (shape,), tuple(ops))


def _conv(name: str, source: str, in_channels: int, out_channels: int, **options: Any) -> Conv:
    return Conv(
        name=name,
        inputs=(source,),
        param=f"{name}.conv",
        norm=f"{name}.bn",
        in_channels=in_channels,
        out_channels=out_channels,
        **options,
    )


def _squeeze_excite(source: str, channels: int) -> list[Op]:
    """Squeeze-and-excitation with a reduction of 4 and a hard sigmoid (MobileNetV3, Sec. 5.3)."""
    reduced = make_divisible(channels // 4)
    fc = "depth_conv.se.fc"
    return [
        GlobalPool(name="squeeze", inputs=(source,)),
        Conv(
            name="reduce",
            inputs=("squeeze",),
            param=f"{fc}.reduce",
            in_channels=channels,
            out_channels=reduced,
            bias=True,
            activation=Activation.RELU,
        ),
        Conv(
            name="expand",
            inputs=("reduce",),
            param=f"{fc}.expand",
            in_channels=reduced,
            out_channels=channels,
            bias=True,
            activation=Activation.H_SIGMOID,
        ),
        Gate(name="gate", inputs=(source, "expand")),
    ]


def head_block(shape: Shape, widths: Sequence[int], classes: int) -> Block:
    """1 x 1 convolution, global pooling, feature mixing, classifier.

    Args:
        widths: channels before and after the pooling.
    """
    mixed, last = widths
    ops: tuple[Op, ...] = (
        Conv(
            name="final_expand",
            inputs=("in0",),
            param="final_expand_layer.conv",
            norm="final_expand_layer.bn",
            in_channels=shape[2],
            out_channels=mixed,
            activation=Activation.H_SWISH,
        ),
        GlobalPool(name="pool", inputs=("final_expand",)),
        Conv(
            name="feature_mix",
            inputs=("pool",),
            param="feature_mix_layer.conv",
            in_channels=mixed,
            out_channels=last,
            activation=Activation.H_SWISH,
        ),
        Linear(
            name="classifier",
            inputs=("feature_mix",),
            param="classifier.linear",
            in_features=last,
            out_features=classes,
        ),
    )
    return Block(f"head-i{shape_key(shape)}-m{mixed}-f{last}-c{classes}", (shape,), ops)
