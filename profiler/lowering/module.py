"""Any network as a torch module, with its parameters under their state-dict names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from profiler.lowering.check import check_weights
from profiler.lowering.fold import Weights
from spaces.graph import Network, Program
from spaces.ops import (
    BATCH_NORM_EPS,
    Activate,
    Activation,
    Add,
    AvgPool,
    Conv,
    Gate,
    GlobalPool,
    Linear,
    Norm,
    Op,
    Zero,
)

_ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    Activation.NONE: lambda value: value,
    Activation.RELU: functional.relu,
    Activation.H_SWISH: functional.hardswish,
    Activation.H_SIGMOID: functional.hardsigmoid,
}


def build_module(network: Network, weights: Weights) -> ProgramModule:
    """``network`` as a trainable module in evaluation mode.

    Inputs are ``(n, c, h, w)``. ``state_dict()`` has the names of ``network.arrays()`` and torch's
    own ``num_batches_tracked`` counters. The weights are copied.

    Raises:
        UsageError: the weights do not fit the network.
    """
    check_weights(weights, network.arrays())
    names = {name for layer in network.layers for op in layer.block.ops for name in _values(op)}
    same = {name: name for name in names}
    every = [op.renamed(same, layer.prefix) for layer in network.layers for op in layer.block.ops]
    return ProgramModule(network.program(), every, weights)


def _values(op: Op) -> tuple[str, ...]:
    return op.name, *op.inputs


class ProgramModule(nn.Module):  # type: ignore[misc]
    """Executes a program's operations one after the other.

    Args:
        program: what to execute.
        parameterised: operations whose parameters the module holds: those of the program, and
            perhaps some whose result is not needed.
        weights: their arrays.
    """

    def __init__(
        self, program: Program, parameterised: list[Op] | tuple[Op, ...], weights: Weights
    ) -> None:
        super().__init__()
        self.program = program
        with torch.device("meta"):  # spares the default initialisation
            for op in parameterised:
                for path, layer in _layers(op).items():
                    _place(self, path, layer)
        state = {name: torch.tensor(array) for name, array in weights.items()}
        for name in self.state_dict():
            if name.endswith(".num_batches_tracked"):
                state[name] = torch.tensor(0)
        self.load_state_dict(state, assign=True)
        self.eval()

    def forward(self, *inputs: Tensor) -> Tensor:
        """The output for inputs ``(n, c, h, w)``."""
        values: dict[str, Tensor] = dict(zip(self.program.inputs, inputs, strict=True))
        for op in self.program.ops:
            values[op.name] = self._run(op, [values[name] for name in op.inputs])
        return values[self.program.output]

    def _run(self, op: Op, inputs: list[Tensor]) -> Tensor:
        if isinstance(op, Conv | Gate | AvgPool | GlobalPool):
            inputs = [_spatial(value) for value in inputs]
        value = _EXECUTORS[type(op)](self, op, inputs)
        return _ACTIVATIONS[getattr(op, "activation", Activation.NONE)](value)


def _spatial(value: Tensor) -> Tensor:
    return value if value.dim() == 4 else value[:, :, None, None]


def _layers(op: Op) -> dict[str, nn.Module]:
    if isinstance(op, Linear):
        return {op.param: nn.Linear(op.in_features, op.out_features)}
    if isinstance(op, Norm):
        return {op.norm: nn.BatchNorm2d(op.channels, eps=BATCH_NORM_EPS)}
    if not isinstance(op, Conv):
        return {}
    conv = nn.Conv2d(
        op.in_channels,
        op.out_channels,
        op.kernel,
        stride=op.stride,
        padding=op.kernel // 2,
        groups=op.groups,
        bias=op.bias,
    )
    norm = {op.norm: nn.BatchNorm2d(op.out_channels, eps=BATCH_NORM_EPS)} if op.norm else {}
    return {op.param: conv, **norm}


def _place(root: nn.Module, path: str, layer: nn.Module) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        if parent not in root._modules:
            root.add_module(parent, nn.Module())
        root = root._modules[parent]
    root.add_module(name, layer)


def _conv(module: ProgramModule, op: Conv, inputs: list[Tensor]) -> Tensor:
    value = module.get_submodule(op.param)(inputs[0])
    return module.get_submodule(op.norm)(value) if op.norm else value


def _linear(module: ProgramModule, op: Linear, inputs: list[Tensor]) -> Tensor:
    return module.get_submodule(op.param)(inputs[0].flatten(1))


def _norm(module: ProgramModule, op: Norm, inputs: list[Tensor]) -> Tensor:
    return module.get_submodule(op.norm)(_spatial(inputs[0]))


def _pool(module: ProgramModule, op: AvgPool, inputs: list[Tensor]) -> Tensor:
    pad = (op.kernel - 1) // 2
    return functional.avg_pool2d(inputs[0], op.kernel, op.stride, pad, count_include_pad=False)


def _add(module: ProgramModule, op: Add, inputs: list[Tensor]) -> Tensor:
    if inputs[0].dim() != inputs[1].dim():
        inputs = [_spatial(value) for value in inputs]
    return inputs[0] + inputs[1]


_EXECUTORS: Mapping[type[Op], Callable[[ProgramModule, Any, list[Tensor]], Tensor]] = {
    Conv: _conv,
    Linear: _linear,
    Norm: _norm,
    Activate: lambda module, op, inputs: inputs[0],
    Add: _add,
    Gate: lambda module, op, inputs: inputs[0] * inputs[1],
    AvgPool: _pool,
    GlobalPool: lambda module, op, inputs: inputs[0].mean((2, 3), keepdim=True),
    Zero: lambda module, op, inputs: inputs[0] * 0,
}
