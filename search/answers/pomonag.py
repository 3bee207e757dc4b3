"""POMONAG's generators for the models of a device: training, sampling, reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from devices import Target
from luts import CostModel
from search.accuracy.base import AccuracyModel
from search.answers.deployment import resolve_deployment
from search.answers.request import AnswerProgress, ModelOptions, TrainOptions
from search.answers.train import train_for
from search.objectives.trade_off import TradeOff
from search.pomonag.generator import PomonagGenerator
from search.pomonag.request import PomonagOptions, PomonagReportOptions
from search.pomonag.settings import PomonagSettings
from search.pomonag.stored import shelf

if TYPE_CHECKING:
    from search.pomonag.generated import GeneratedArchs
    from search.pomonag.report import GeneratorReport


def train_pomonag(
    settings: PomonagSettings | None = None,
    *,
    device: Target | str | None = None,
    lut: CostModel | Path | str | None = None,
    accuracy: AccuracyModel | Path | str = "imagenet",
    output: Path | str | None = None,
    options: TrainOptions | None = None,
    progress: AnswerProgress | None = None,
) -> PomonagGenerator:
    """Train the generator that samples architectures for many objectives, and write it.

    An interrupted training goes on when it is called for again. After Lomurno et al. 2024.

    Args:
        settings: of the training, its objectives among them; the best known unless given.
        device: name of a profile, or a target; as for :func:`search.generate`.
        lut: cost model, its name or its file; one's own table of the device unless given.
        accuracy: accuracy model, its name or its file.
        output: file to write (.npz); where :func:`search.generate` looks for it unless given.
        options: everything else.
        progress: told how far building the table and training have come.

    Returns:
        The generator; ``path`` is its file, ``provenance`` what it was trained for and how.

    Raises:
        UsageError: models, device and options do not fit, or another training was interrupted.
        NasprofError: torch is not installed, or the file cannot be written.

    >>> hardly = {"pool": 100, "steps": 2, "rounds": 0, "predictor_steps": 2, "width": 8}
    >>> settings = PomonagSettings.of({**hardly, "sampling_steps": 2})
    >>> table = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"
    >>> train_pomonag(settings, lut=table, output="hardly.npz").objectives
    ('top1', 'latency', 'params', 'macs')
    """
    chosen = settings or PomonagSettings()
    return train_for((device, lut, accuracy), shelf, chosen, output, options, progress)


def generate_pomonag(
    generator: PomonagGenerator | Path | str | None = None,
    *,
    device: Target | str | None = None,
    lut: CostModel | Path | str | None = None,
    accuracy: AccuracyModel | Path | str = "imagenet",
    models: ModelOptions | None = None,
    options: PomonagOptions | None = None,
    progress: AnswerProgress | None = None,
) -> GeneratedArchs:
    """Sample architectures for accuracy, latency and a generator's other objectives, at once.

    Args:
        generator: itself or its file; the one kept for the models, which is trained if there is
            none, unless given.
        device: name of a profile, or a target; as for :func:`search.generate`.
        lut: cost model, its name or its file; one's own table of the device unless given.
        accuracy: accuracy model, its name or its file.
        models: which of them are meant, where their names leave it open.
        options: how architectures are sampled.
        progress: told how far building the table, training and trials have come.

    Returns:
        Distinct architectures with their values, validity, uniqueness and novelty, and three
        picks of the front by each cost.

    Raises:
        UsageError: models and device do not fit, or there is no such file.
        NasprofError: one must be trained, and torch is not installed.

    >>> options = PomonagOptions(count=8)
    >>> table = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"
    >>> generate_pomonag("diffusion.npz", lut=table, options=options).names
    ['top1', 'latency', 'params', 'macs']
    """
    progress = progress or AnswerProgress()
    trained, trade_off = _ready(generator, (device, lut, accuracy), models, progress)
    from search.pomonag.generated import generate_architectures

    now = trained.calibrated(trade_off)
    return generate_architectures(now, trade_off, options, progress.sampling)


def report_pomonag(
    generator: PomonagGenerator | Path | str | None = None,
    *,
    device: Target | str | None = None,
    lut: CostModel | Path | str | None = None,
    accuracy: AccuracyModel | Path | str = "imagenet",
    models: ModelOptions | None = None,
    options: PomonagReportOptions | None = None,
    progress: AnswerProgress | None = None,
) -> GeneratorReport:
    """How good a generator is: its samples over several seeds, and its noisy predictors.

    Args:
        generator: as of :func:`generate_pomonag`.
        device: likewise.
        lut: likewise.
        accuracy: likewise.
        models: likewise.
        options: what is sampled.
        progress: told how far building the table, training and sampling have come.

    Returns:
        Validity, uniqueness and novelty with 95 % intervals, and rank correlations of what is
        predicted of noisy architectures.

    Raises:
        UsageError: models and device do not fit, or there is no such file.
        NasprofError: one must be trained, and torch is not installed.

    >>> options = PomonagReportOptions(count=8, seeds=2)
    >>> table = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"
    >>> sorted(report_pomonag("diffusion.npz", lut=table, options=options).quality)
    ['novelty', 'uniqueness', 'validity']
    """
    progress = progress or AnswerProgress()
    trained, trade_off = _ready(generator, (device, lut, accuracy), models, progress)
    from search.pomonag.report import report_on

    return report_on(trained, trade_off, options, progress.sampling)


def _ready(
    generator: PomonagGenerator | Path | str | None,
    named: tuple[Target | str | None, CostModel | Path | str | None, AccuracyModel | Path | str],
    models: ModelOptions | None,
    progress: AnswerProgress,
) -> tuple[PomonagGenerator, TradeOff]:
    """The generator that was named, else the one kept for the models, trained if need be."""
    trade_off = resolve_deployment(*named, models or ModelOptions(), progress).trade_off
    return shelf.ready(trade_off, generator, progress.training), trade_off
