"""Searching a space: objectives, accuracy models, engines, the generator, answers.

One call a job: :func:`generate`, :func:`front`, :func:`train_generator`, :func:`fit_accuracy`,
:func:`predict_accuracy`. Names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasprof.exports import lazily

if TYPE_CHECKING:
    from search.accuracy.fitted import FittedAccuracy, fit_accuracy
    from search.accuracy.predict import AccuracyPrediction, AccuracyPredictions, predict_accuracy
    from search.answers.export import Export
    from search.answers.front import front
    from search.answers.generate import generate
    from search.answers.replies import Front, Replies, Reply, Result
    from search.answers.request import (
        AnswerOptions,
        AnswerProgress,
        GenerateOptions,
        ModelOptions,
        TrainOptions,
    )
    from search.answers.train import train_generator
    from search.pictures.answers import plot_replies
    from search.pnag.generator import Generator
    from search.pnag.settings import TrainingSettings

__all__ = [
    "AccuracyPrediction",
    "AccuracyPredictions",
    "AnswerOptions",
    "AnswerProgress",
    "Export",
    "FittedAccuracy",
    "Front",
    "GenerateOptions",
    "Generator",
    "ModelOptions",
    "Replies",
    "Reply",
    "Result",
    "TrainOptions",
    "TrainingSettings",
    "fit_accuracy",
    "front",
    "generate",
    "plot_replies",
    "predict_accuracy",
    "train_generator",
]

_ORIGINS = {
    "AccuracyPrediction": "search.accuracy.predict",
    "AccuracyPredictions": "search.accuracy.predict",
    "AnswerOptions": "search.answers.request",
    "AnswerProgress": "search.answers.request",
    "Export": "search.answers.export",
    "FittedAccuracy": "search.accuracy.fitted",
    "Front": "search.answers.replies",
    "GenerateOptions": "search.answers.request",
    "Generator": "search.pnag.generator",
    "ModelOptions": "search.answers.request",
    "Replies": "search.answers.replies",
    "Reply": "search.answers.replies",
    "Result": "search.answers.replies",
    "TrainOptions": "search.answers.request",
    "TrainingSettings": "search.pnag.settings",
    "fit_accuracy": "search.accuracy.fitted",
    "front": "search.answers.front",
    "generate": "search.answers.generate",
    "plot_replies": "search.pictures.answers",
    "predict_accuracy": "search.accuracy.predict",
    "train_generator": "search.answers.train",
}
if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _ORIGINS)


def __dir__() -> list[str]:
    return sorted(__all__)
