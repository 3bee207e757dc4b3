"""How a supernet is trained: everything that its weights depend on beside space and data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import ClassVar, Literal, Self, TypeAlias

from nasprof.errors import UsageError
from nasprof.settings import Settings, setting
from nasprof.typing import JsonObject

Precision: TypeAlias = Literal["fp32", "bf16", "fp16"]
Trained: TypeAlias = Literal["all", "classifier"]

MAX_STEPS = 100_000_000
_LARGEST = 1e6


@dataclass(frozen=True)
class Recipe(Settings):
    """How a supernet is trained.

    The defaults are for minutes of one CPU core; ``docs/supernets.md`` has what they reach.

    Args:
        scheme: name of a training scheme (:data:`supernets.training.schemes.schemes`).
        scheme_settings: settings of it.

    Raises:
        UsageError: a field is of another type, out of range, or fits no other.
    """

    owner: ClassVar[str] = "a training"

    steps: int | None = setting(
        None, "updates of the weights; null until it follows from the time", 1, MAX_STEPS
    )
    scheme: str = setting("uniform", "which networks learn in a step, and from whom")
    scheme_settings: Mapping[str, object] | None = setting(None, "settings of the scheme")
    trained: Trained = setting("all", "weights that learn; classifier: with batch norm, no other")
    batch: int = setting(64, "images in a step, of all processes together", 2, 65536)
    optimiser: Literal["adamw", "sgd"] = setting("adamw", "how weights follow their gradients")
    learning_rate: float = setting(1e-2, "the highest", 1e-9, _LARGEST)
    momentum: float = setting(0.9, "of sgd, with Nesterov's form; beta 1 of adamw", 0, 0.9999)
    beta2: float = setting(0.999, "of adamw: memory of squared gradients", 0, 0.999999)
    weight_decay: float = setting(0.0, "decoupled; of weights, not of norms and biases", 0, 1e3)
    warmup: float = setting(0.05, "share of the steps in which the rate rises", 0, 1)
    final_rate: float = setting(0.0, "share of the highest rate at the end of the cosine", 0, 1)
    clip: float | None = setting(None, "largest norm of a gradient", 1e-9, _LARGEST)
    label_smoothing: float = setting(0.0, "share of a label given to all classes", 0, 0.99)
    distillation: float | None = setting(
        None, "weight of the teacher's labels beside the true ones; null: the scheme's own", 0, 1
    )
    temperature: float = setting(1.0, "of the teacher's labels", 1e-3, 1e3)
    ema: float | None = setting(
        None, "decay of the average of weights that is kept; null for none", 0, 0.999999
    )
    augmentation: Mapping[str, object] | None = setting(None, "of training images; null for none")
    precision: Precision = setting("fp32", "of activations; fp16 with loss scaling, on CUDA")
    divergence: float | None = setting(
        2.0, "the loss over its recent median at which a training is set back; null: never", 1.01
    )
    threads: int = setting(1, "of the CPU", 1, 1024)
    seed: int = setting(0, "of everything random", 0, 2**63 - 1)

    @property
    def total(self) -> int:
        """The number of steps.

        Raises:
            UsageError: it is not known yet.
        """
        if self.steps is None:
            raise UsageError("the recipe has no number of steps", "Give steps, or seconds.")
        return self.steps

    def with_steps(self, steps: int) -> Self:
        """The same recipe with that many steps."""
        return replace(self, steps=steps)

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)
