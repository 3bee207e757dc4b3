"""Any network as a torch module, with its parameters under their state-dict names."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from profiler.lowering.check import check_weights
from spaces.fold import Weights
from spaces.graph import Network, Program
from spaces.ops import BATCH_NORM_EPS, Conv, Linear, Norm, Op
from supernets.program import Layers, execute


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
        return execute(self.program, _ModuleLayers(self), inputs)


class _ModuleLayers(Layers):
    """Layers that are submodules."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def convolve(self, op: Conv, value: Tensor) -> Tensor:
        result: Tensor = self._module.get_submodule(op.param)(value)
        return result

    def linear(self, op: Linear, value: Tensor) -> Tensor:
        result: Tensor = self._module.get_submodule(op.param)(value)
        return result

    def normalise(self, norm: str, value: Tensor) -> Tensor:
        result: Tensor = self._module.get_submodule(norm)(value)
        return result


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
