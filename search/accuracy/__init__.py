"""Accuracy models: how accurate networks are, predicted from their genes."""

from __future__ import annotations

from search.accuracy.base import AccuracyModel, accuracy_models
from search.accuracy.errors import AccuracyModelInvalid, CannotRank
from search.accuracy.files import accuracy_files, read_accuracy_model

__all__ = [
    "AccuracyModel",
    "AccuracyModelInvalid",
    "CannotRank",
    "accuracy_models",
    "accuracy_files",
    "read_accuracy_model",
]
