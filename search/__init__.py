"""Searching a space: objectives, accuracy models, engines, the generator, answers.

One call a job: :func:`generate`, :func:`front`, :func:`train_generator`, :func:`fit_accuracy`,
:func:`predict_accuracy`; and what a search is for: :class:`Objective`, :class:`Problem`,
:class:`TradeOff`. Names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasprof.exports import lazily

if TYPE_CHECKING:
    from search.accuracy.base import AccuracyModel
    from search.accuracy.files import read_accuracy_model
    from search.accuracy.fitted import FittedAccuracy, fit_accuracy
    from search.accuracy.measurements import MeasuredAccuracy
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
    from search.objectives.trade_off import TradeOff
    from search.pictures.answers import plot_replies
    from search.pnag.generator import Generator
    from search.pnag.settings import TrainingSettings
    from search.problem import Limit, Objective, Problem

__all__ = [
    "AccuracyModel",
    "AccuracyPrediction",
    "AccuracyPredictions",
    "AnswerOptions",
    "AnswerProgress",
    "Export",
    "FittedAccuracy",
    "Front",
    "GenerateOptions",
    "Generator",
    "Limit",
    "MeasuredAccuracy",
    "ModelOptions",
    "Objective",
    "Problem",
    "Replies",
    "Reply",
    "Result",
    "TradeOff",
    "TrainOptions",
    "TrainingSettings",
    "fit_accuracy",
    "front",
    "generate",
    "plot_replies",
    "predict_accuracy",
    "read_accuracy_model",
    "train_generator",
]

_ORIGINS = {
    "AccuracyModel": "search.accuracy.base",
    "AccuracyPrediction": "search.accuracy.predict",
    "AccuracyPredictions": "search.accuracy.predict",
    "AnswerOptions": "search.answers.request",
    "AnswerProgress": "search.answers.request",
    "Export": "search.answers.export",
    "FittedAccuracy": "search.accuracy.fitted",
    "Front": "search.answers.replies",
    "GenerateOptions": "search.answers.request",
    "Generator": "search.pnag.generator",
    "Limit": "search.problem",
    "MeasuredAccuracy": "search.accuracy.measurements",
    "ModelOptions": "search.answers.request",
    "Objective": "search.problem",
    "Problem": "search.problem",
    "Replies": "search.answers.replies",
    "Reply": "search.answers.replies",
    "Result": "search.answers.replies",
    "TradeOff": "search.objectives.trade_off",
    "TrainOptions": "search.answers.request",
    "TrainingSettings": "search.pnag.settings",
    "fit_accuracy": "search.accuracy.fitted",
    "front": "search.answers.front",
    "generate": "search.answers.generate",
    "plot_replies": "search.pictures.answers",
    "predict_accuracy": "search.accuracy.predict",
    "read_accuracy_model": "search.accuracy.files",
    "train_generator": "search.answers.train",
}
if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _ORIGINS)


def __dir__() -> list[str]:
    return sorted(__all__)
