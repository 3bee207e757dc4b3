"""Accuracy models: how accurate networks are, predicted from their genes."""

from __future__ import annotations

from search.accuracy.base import AccuracyModel, AccuracyModelInvalid, accuracy_models
from search.accuracy.files import list_accuracy_models, read_accuracy_model

__all__ = [
    "AccuracyModel",
    "AccuracyModelInvalid",
    "accuracy_models",
    "list_accuracy_models",
    "read_accuracy_model",
]
