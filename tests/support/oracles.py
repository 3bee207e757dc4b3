"""Other implementations that ours is compared with."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from types import ModuleType

_TORCHVISION = (
    "torchvision",
    "torchvision.datasets",
    "torchvision.transforms",
    "torchvision.transforms.functional",
)


class _StandIn(ModuleType):
    """A module whose every attribute is an empty class."""

    __path__: tuple[str, ...] = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


@contextmanager
def _without_torchvision():
    """ofa imports torchvision, which a CPU torch cannot load, for data sets nobody needs here."""
    before = {name: sys.modules.get(name) for name in _TORCHVISION}
    for name in _TORCHVISION:
        sys.modules[name] = _StandIn(name)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, sys.modules[name])
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def ofa_supernet(width, classes=1000):
    """The ofa package's own MobileNetV3 supernet, with random weights, in evaluation mode.

    Kernel matrices and batch norms are drawn too: as built, they are identities.
    """
    import torch

    with _without_torchvision():
        networks = importlib.import_module("ofa.imagenet_classification.elastic_nn.networks")
    torch.manual_seed(0)
    supernet = networks.OFAMobileNetV3(
        n_classes=classes,
        width_mult=width,
        ks_list=[3, 5, 7],
        expand_ratio_list=[3, 4, 6],
        depth_list=[2, 3, 4],
    )
    for name, value in supernet.state_dict().items():
        if name.endswith("_matrix"):
            value.add_(0.1 * torch.randn_like(value))
        elif "bn." in name and value.dtype.is_floating_point:
            value.copy_(value + 0.2 * torch.rand_like(value))
    return supernet.eval()


def ofa_subnet(supernet, arch):
    """The ofa package's own network for one of our archs."""
    supernet.set_active_subnet(ks=arch["kernel_sizes"], e=arch["expand_ratios"], d=arch["depths"])
    return supernet.get_active_subnet(preserve_weight=True).eval()
