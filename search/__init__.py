"""Searching a space: objectives, accuracy models, engines, the generator, answers.

One call a job: :func:`generate`, :func:`front`, :func:`train_generator`, :func:`fit_accuracy`,
:func:`predict_accuracy`, :func:`run`, :func:`compare`, :func:`train_pomonag`,
:func:`generate_pomonag`, :func:`transfer`, :func:`deliver`; and what a search is for:
:class:`Objective`, :class:`Problem`, :class:`TradeOff`. Names are imported when first used.
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
    from search.adaptation.deliveries import DeliveredNetworks, deliver_networks
    from search.adaptation.request import (
        TransferOptions,
        TransferProgress,
        TransferRequest,
        TransferStatus,
    )
    from search.adaptation.result import TransferResult
    from search.adaptation.settings import TransferSettings
    from search.adaptation.transfer import transfer
    from search.answers.compare import CompareOptions, CompareProgress, compare
    from search.answers.export import Export
    from search.answers.front import front
    from search.answers.generate import generate
    from search.answers.pomonag import generate_pomonag, report_pomonag, train_pomonag
    from search.answers.replies import Front, Replies, Reply, Result
    from search.answers.request import (
        AnswerOptions,
        AnswerProgress,
        GenerateOptions,
        ModelOptions,
        TrainOptions,
    )
    from search.answers.train import train_generator
    from search.archives.merge import merge_archives, write_archive
    from search.archives.stored import StoredArchive, read_archive
    from search.delivery.deliver import deliver
    from search.delivery.delivery import Delivery
    from search.delivery.request import (
        BudgetRequest,
        DeliveryOptions,
        DeliveryProgress,
        DeliveryRequest,
    )
    from search.objectives import Models
    from search.objectives.images import LabelledImages
    from search.objectives.trade_off import TradeOff
    from search.pictures.answers import plot_replies
    from search.pnag.generator import Generator
    from search.pnag.settings import TrainingSettings
    from search.pomonag.generated import GeneratedArchs
    from search.pomonag.generator import PomonagGenerator
    from search.pomonag.report import GeneratorReport
    from search.pomonag.request import PomonagOptions, PomonagReportOptions
    from search.pomonag.settings import PomonagSettings
    from search.problem import Limit, Objective, Problem
    from search.runs.comparison import Comparison
    from search.runs.evaluate_supernet import (
        EvaluatedArch,
        EvaluatedArchs,
        EvaluationOptions,
        EvaluationProgress,
        evaluate_supernet,
    )
    from search.runs.options import RunOptions
    from search.runs.result import SearchResult
    from search.runs.sampling import SampledArchs, sample
    from search.runs.searches import SearchInterrupted, run
    from search.runs.supernet_accuracy import fit_supernet
    from search.tasks.own_images import accuracy_for_images

__all__ = [
    "AccuracyModel",
    "AccuracyPrediction",
    "AccuracyPredictions",
    "AnswerOptions",
    "AnswerProgress",
    "BudgetRequest",
    "CompareOptions",
    "CompareProgress",
    "Comparison",
    "DeliveredNetworks",
    "Delivery",
    "DeliveryOptions",
    "DeliveryProgress",
    "DeliveryRequest",
    "EvaluatedArch",
    "EvaluatedArchs",
    "EvaluationOptions",
    "EvaluationProgress",
    "Export",
    "FittedAccuracy",
    "Front",
    "GenerateOptions",
    "GeneratedArchs",
    "Generator",
    "GeneratorReport",
    "LabelledImages",
    "Limit",
    "MeasuredAccuracy",
    "ModelOptions",
    "Models",
    "Objective",
    "PomonagGenerator",
    "PomonagOptions",
    "PomonagReportOptions",
    "PomonagSettings",
    "Problem",
    "Replies",
    "Reply",
    "Result",
    "RunOptions",
    "SampledArchs",
    "SearchInterrupted",
    "SearchResult",
    "StoredArchive",
    "TradeOff",
    "TrainOptions",
    "TrainingSettings",
    "TransferOptions",
    "TransferProgress",
    "TransferRequest",
    "TransferResult",
    "TransferSettings",
    "TransferStatus",
    "accuracy_for_images",
    "compare",
    "deliver",
    "deliver_networks",
    "evaluate_supernet",
    "fit_accuracy",
    "fit_supernet",
    "front",
    "generate",
    "generate_pomonag",
    "merge_archives",
    "plot_replies",
    "predict_accuracy",
    "read_accuracy_model",
    "read_archive",
    "report_pomonag",
    "run",
    "sample",
    "train_generator",
    "train_pomonag",
    "transfer",
    "write_archive",
]

_ORIGINS = {
    "AccuracyModel": "search.accuracy.base",
    "AccuracyPrediction": "search.accuracy.predict",
    "AccuracyPredictions": "search.accuracy.predict",
    "AnswerOptions": "search.answers.request",
    "AnswerProgress": "search.answers.request",
    "BudgetRequest": "search.delivery.request",
    "CompareOptions": "search.answers.compare",
    "CompareProgress": "search.answers.compare",
    "Comparison": "search.runs.comparison",
    "DeliveredNetworks": "search.adaptation.deliveries",
    "Delivery": "search.delivery.delivery",
    "DeliveryOptions": "search.delivery.request",
    "DeliveryProgress": "search.delivery.request",
    "DeliveryRequest": "search.delivery.request",
    "EvaluatedArch": "search.runs.evaluate_supernet",
    "EvaluatedArchs": "search.runs.evaluate_supernet",
    "EvaluationOptions": "search.runs.evaluate_supernet",
    "EvaluationProgress": "search.runs.evaluate_supernet",
    "Export": "search.answers.export",
    "FittedAccuracy": "search.accuracy.fitted",
    "Front": "search.answers.replies",
    "GenerateOptions": "search.answers.request",
    "GeneratedArchs": "search.pomonag.generated",
    "Generator": "search.pnag.generator",
    "GeneratorReport": "search.pomonag.report",
    "LabelledImages": "search.objectives.images",
    "Limit": "search.problem",
    "MeasuredAccuracy": "search.accuracy.measurements",
    "ModelOptions": "search.answers.request",
    "Models": "search.objectives",
    "Objective": "search.problem",
    "PomonagGenerator": "search.pomonag.generator",
    "PomonagOptions": "search.pomonag.request",
    "PomonagReportOptions": "search.pomonag.request",
    "PomonagSettings": "search.pomonag.settings",
    "Problem": "search.problem",
    "Replies": "search.answers.replies",
    "Reply": "search.answers.replies",
    "Result": "search.answers.replies",
    "RunOptions": "search.runs.options",
    "SampledArchs": "search.runs.sampling",
    "SearchInterrupted": "search.runs.searches",
    "SearchResult": "search.runs.result",
    "StoredArchive": "search.archives.stored",
    "TradeOff": "search.objectives.trade_off",
    "TrainOptions": "search.answers.request",
    "TrainingSettings": "search.pnag.settings",
    "TransferOptions": "search.adaptation.request",
    "TransferProgress": "search.adaptation.request",
    "TransferRequest": "search.adaptation.request",
    "TransferResult": "search.adaptation.result",
    "TransferSettings": "search.adaptation.settings",
    "TransferStatus": "search.adaptation.request",
    "accuracy_for_images": "search.tasks.own_images",
    "compare": "search.answers.compare",
    "deliver": "search.delivery.deliver",
    "deliver_networks": "search.adaptation.deliveries",
    "evaluate_supernet": "search.runs.evaluate_supernet",
    "fit_accuracy": "search.accuracy.fitted",
    "fit_supernet": "search.runs.supernet_accuracy",
    "front": "search.answers.front",
    "generate": "search.answers.generate",
    "generate_pomonag": "search.answers.pomonag",
    "merge_archives": "search.archives.merge",
    "plot_replies": "search.pictures.answers",
    "predict_accuracy": "search.accuracy.predict",
    "read_accuracy_model": "search.accuracy.files",
    "read_archive": "search.archives.stored",
    "report_pomonag": "search.answers.pomonag",
    "run": "search.runs.searches",
    "sample": "search.runs.sampling",
    "train_generator": "search.answers.train",
    "train_pomonag": "search.answers.pomonag",
    "transfer": "search.adaptation.transfer",
    "write_archive": "search.archives.merge",
}
if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _ORIGINS)


def __dir__() -> list[str]:
    return sorted(__all__)
