"""What a network's outputs are held against."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from supernets.training.recipe import Recipe


def loss(
    logits: Tensor, labels: Tensor, teacher: Tensor | None, weight: float, recipe: Recipe
) -> Tensor:
    """Cross entropy with the true labels, mixed with that of a teacher's.

    Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, Sec. 2: soft labels at a
    temperature T, their part multiplied by its square.

    Args:
        logits: ``(n, classes)``.
        labels: int64 ``(n,)``, or shares of each class ``(n, classes)``.
        teacher: logits ``(n, classes)`` of whom is learnt from, without gradient; None for nobody.
        weight: of the teacher's part, 0 to 1.
        recipe: for label smoothing and temperature.

    Returns:
        The mean over the images: a scalar.
    """
    logits = logits.float()
    smoothing = recipe.label_smoothing
    if teacher is None or weight == 0:
        return functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    soft = soft_loss(logits, teacher.float(), recipe.temperature)
    if weight == 1:
        return soft
    hard = functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    return (1 - weight) * hard + weight * soft


def soft_loss(logits: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """Cross entropy of logits ``(n, classes)`` with those of a teacher."""
    soft = functional.softmax(teacher / temperature, 1)
    return functional.cross_entropy(logits / temperature, soft) * temperature**2
