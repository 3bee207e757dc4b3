"""How one network is trained further, alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

from nasprof.settings import Settings, setting
from nasprof.typing import JsonObject
from supernets.training.recipe import Recipe


@dataclass(frozen=True)
class FineTuning(Settings):
    """How one network of a supernet is trained further, alone.

    It begins with the weights that it shares with the others, and learns the labels of the largest
    network beside the true ones (Cai et al., "Once-for-All", ICLR 2020, Sec. 3.3).

    Args:
        augmentation: of training images, by name; None for images as they are.

    >>> FineTuning(epochs=2, learning_rate=1e-4).distillation
    0.5
    """

    owner: ClassVar[str] = "a fine-tuning"

    epochs: int = setting(1, "how often every training image is seen", 1, 100_000)
    learning_rate: float = setting(1e-3, "the highest, of AdamW", 1e-9, 1e6)
    batch: int = setting(64, "images in a step", 2, 65536)
    distillation: float = setting(0.5, "weight of the largest network's labels", 0, 1)
    weight_decay: float = setting(0.0, "decoupled; of weights, not of norms and biases", 0, 1e3)
    augmentation: Mapping[str, object] | None = setting(None, "of training images; null for none")
    seed: int = setting(0, "of everything random", 0, 2**63 - 1)

    def recipe(self, steps: int) -> Recipe:
        """The same as a recipe of so many steps."""
        return Recipe(
            steps=steps,
            batch=self.batch,
            learning_rate=self.learning_rate,
            distillation=self.distillation,
            weight_decay=self.weight_decay,
            augmentation=self.augmentation,
            seed=self.seed,
        )

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)
