"""Which weights of a supernet a training changes."""

from __future__ import annotations

from torch import nn

from spaces.ops import Linear
from supernets.supernet import Supernet
from supernets.training.recipe import Trained


def trained_parameters(supernet: Supernet, part: Trained) -> dict[str, nn.Parameter]:
    """The parameters that learn, by name; the others get no gradients from now on.

    Args:
        supernet: whose parameters.
        part: all of them, or the classifier with the scales and shifts of batch norm.
    """
    everything = dict(supernet.named_parameters())
    chosen = everything if part == "all" else _classifier_and_norms(supernet, everything)
    for name, parameter in everything.items():
        parameter.requires_grad_(name in chosen)
    return chosen


def _classifier_and_norms(
    supernet: Supernet, everything: dict[str, nn.Parameter]
) -> dict[str, nn.Parameter]:
    buffers = dict(supernet.named_buffers())
    classifier = classifier_arrays(supernet)
    return {
        name: parameter
        for name, parameter in everything.items()
        if name in classifier or f"{name.rpartition('.')[0]}.running_mean" in buffers
    }


def classifier_arrays(supernet: Supernet) -> set[str]:
    """Names of the arrays of the last linear layer."""
    subnet = supernet.subnet(supernet.largest)
    last = [op.param for op in subnet.program.ops if isinstance(op, Linear)][-1]
    shares = supernet.shares(supernet.largest)
    return {shares[f"{last}.{name}"].source for name in ("weight", "bias")}
