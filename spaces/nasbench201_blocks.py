"""The blocks of NAS-Bench-201: stem, the operations of edges, reduction, head.

Source: Dong and Yang, "NAS-Bench-201", ICLR 2020, Sec. 2.1; parameter names are those of the
benchmark's networks.
"""

from __future__ import annotations

from spaces.graph import Block
from spaces.ops import (
    Activate,
    Activation,
    Add,
    AvgPool,
    Conv,
    GlobalPool,
    Linear,
    Norm,
    Op,
    Shape,
    Zero,
    shape_key,
)


def _relu_conv_norm(
    name: str, source: str, path: str, channels: tuple[int, int], *, kernel: int, stride: int = 1
) -> tuple[Op, Op]:
    relu = Activate(name=f"{name}.relu", inputs=(source,), activation=Activation.RELU)
    conv = Conv(
        name=name,
        inputs=(relu.name,),
        param=f"{path}.1",
        norm=f"{path}.2",
        in_channels=channels[0],
        out_channels=channels[1],
        kernel=kernel,
        stride=stride,
    )
    return relu, conv


def stem_block(resolution: int, channels: int) -> Block:
    """First convolution, 3 x 3."""
    image = (resolution, resolution, 3)
    conv = Conv(
        name="conv",
        inputs=("in0",),
        param="stem.0",
        norm="stem.1",
        in_channels=3,
        out_channels=channels,
        kernel=3,
    )
    return Block(f"stem-i{shape_key(image)}-c{channels}", (image,), (conv,))


def edge_block(operation: str, shape: Shape) -> Block:
    """An operation that computes something: average pooling or ReLU, convolution, batch norm."""
    key = f"{operation}-i{shape_key(shape)}"
    if operation == "avg_pool_3x3":
        return Block(key, (shape,), (AvgPool(name="pool", inputs=("in0",), kernel=3),))
    kernel = 3 if operation == "nor_conv_3x3" else 1
    channels = (shape[2], shape[2])
    return Block(key, (shape,), _relu_conv_norm("conv", "in0", "op", channels, kernel=kernel))


def reduction_block(shape: Shape) -> Block:
    """Residual block of stride 2 that doubles the channels."""
    channels, wider = shape[2], 2 * shape[2]
    ops = (
        *_relu_conv_norm("a", "in0", "conv_a.op", (channels, wider), kernel=3, stride=2),
        *_relu_conv_norm("b", "a", "conv_b.op", (wider, wider), kernel=3),
        AvgPool(name="pool", inputs=("in0",), kernel=2, stride=2),
        Conv(
            name="shortcut",
            inputs=("pool",),
            param="downsample.1",
            in_channels=channels,
            out_channels=wider,
        ),
        Add(name="residual", inputs=("b", "shortcut")),
    )
    return Block(f"reduce-i{shape_key(shape)}", (shape,), ops)


def head_block(shape: Shape, classes: int) -> Block:
    """Batch norm, ReLU, global pooling, classifier."""
    channels = shape[2]
    ops = (
        Norm(
            name="norm",
            inputs=("in0",),
            norm="lastact.0",
            channels=channels,
            activation=Activation.RELU,
        ),
        GlobalPool(name="pool", inputs=("norm",)),
        Linear(
            name="classifier",
            inputs=("pool",),
            param="classifier",
            in_features=channels,
            out_features=classes,
        ),
    )
    return Block(f"head-i{shape_key(shape)}-c{classes}", (shape,), ops)


def sum_block(shape: Shape) -> Block:
    """Sum of the results of two edges."""
    add = Add(name="sum", inputs=("in0", "in1"))
    return Block(f"add-i{shape_key(shape)}", (shape, shape), (add,))


def zero_block(shape: Shape) -> Block:
    """A node that no edge leads to."""
    zero = Zero(name="zero", inputs=("in0",))
    return Block(f"zero-i{shape_key(shape)}", (shape,), (zero,))
