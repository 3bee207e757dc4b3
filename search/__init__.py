"""Searching a space: objectives, accuracy models, engines, the generator, answers.

One call a job: :func:`fit_accuracy`, :func:`predict_accuracy`. Names are imported when they are
first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasprof.exports import lazily

if TYPE_CHECKING:
    from search.accuracy.fitted import FittedAccuracy, fit_accuracy
    from search.accuracy.predict import (
        AccuracyPrediction,
        AccuracyPredictions,
        predict_accuracy,
    )

__all__ = [
    "AccuracyPrediction",
    "AccuracyPredictions",
    "FittedAccuracy",
    "fit_accuracy",
    "predict_accuracy",
]

_ORIGINS = {
    "AccuracyPrediction": "search.accuracy.predict",
    "AccuracyPredictions": "search.accuracy.predict",
    "FittedAccuracy": "search.accuracy.fitted",
    "fit_accuracy": "search.accuracy.fitted",
    "predict_accuracy": "search.accuracy.predict",
}
if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _ORIGINS)


def __dir__() -> list[str]:
    return sorted(__all__)
