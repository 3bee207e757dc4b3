"""Features of a supernet of ours: what the classifier of its largest network is given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from nasprof.errors import UsageError
from nasprof.normalisation import Normalisation
from nasprof.typing import Array
from search.tasks.encoders.base import DataSetEncoder, as_features
from spaces.ops import Linear
from supernets.checkpoint import read_supernet, weights_digest
from supernets.data import to_tensor
from supernets.data.pictures import Pixels

if TYPE_CHECKING:
    from supernets.subnet import Subnet


class SupernetFeatures(DataSetEncoder):
    """The largest network of a supernet without its classifier.

    Batch norm has the supernet's own statistics: they fit no network exactly, which features need
    less than a classifier does, and each image is then encoded for itself.

    Args:
        subnet: the network.
        image_shape: that it takes.
        normalisation: that it was trained with.
        identity: of its weights.
    """

    weights = "a supernet's file (.safetensors), as nassearch supernet writes it"

    def __init__(
        self,
        subnet: Subnet,
        image_shape: tuple[int, int, int],
        normalisation: Normalisation,
        identity: str,
    ) -> None:
        self._subnet = subnet
        self._normalisation = normalisation
        self._classifier = _classifier(subnet)
        self.image_shape = image_shape
        self.n_features = self._classifier.in_features
        self.identity = identity

    @classmethod
    def open(cls, weights: Path | None) -> Self:
        assert weights is not None
        supernet, card = read_supernet(weights)
        subnet = supernet.subnet(supernet.largest)
        shape = supernet.space.input_shape
        identity = f"supernet {weights_digest(supernet.arrays())[:16]}"
        return cls(subnet, shape, card.normalisation, identity)

    def _batch(self, images: Pixels) -> Array:
        import torch

        from supernets.program import execute
        from supernets.subnet import TensorLayers

        given: list[torch.Tensor] = []
        classifier = self._classifier

        class Watched(TensorLayers):
            """Remembers what the classifier is given."""

            def linear(self, op: Linear, value: torch.Tensor) -> torch.Tensor:
                if op.param == classifier.param:
                    given.append(value)
                return super().linear(op, value)

        with torch.no_grad():
            inputs = [to_tensor(images, self._normalisation)]
            execute(self._subnet.program, Watched(self._subnet.tensors), inputs)
        return as_features(given[0])


def _classifier(subnet: Subnet) -> Linear:
    """The last linear layer.

    Raises:
        UsageError: the network has none.
    """
    layers = [op for op in subnet.program.ops if isinstance(op, Linear)]
    if not layers:
        raise UsageError("the supernet's networks end in no linear layer: they have no features")
    return layers[-1]
