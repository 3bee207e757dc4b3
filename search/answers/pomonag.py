"""POMONAG's generators for the models of a device: training, sampling, reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from devices import Target
from luts import CostModel
from nasprof.errors import UsageError
from nasprof.progress import no_progress
from nasprof.typing import Progress
from search.accuracy.base import AccuracyModel
from search.answers.deployment import resolve_deployment
from search.answers.request import AnswerProgress, ModelOptions, TrainOptions
from search.objectives.trade_off import TradeOff
from search.pomonag.objectives import problem_for
from search.pomonag.settings import PomonagSettings
from search.pomonag.stored import shelf

if TYPE_CHECKING:
    from search.pomonag.generated import Generated, GenerationOptions
    from search.pomonag.generator import PomonagGenerator
    from search.pomonag.report import GeneratorReport, ReportOptions


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
    """
    settings, options = settings or PomonagSettings(), options or TrainOptions()
    progress = progress or AnswerProgress()
    path = None if output is None else Path(output)
    if path is not None and path.suffix != ".npz":
        raise UsageError(f"{path} is no place for a generator", "Expected a file in .npz.")
    trade_off = resolve_deployment(device, lut, accuracy, options, progress).trade_off
    problem_for(trade_off, settings.names)
    return shelf.train_and_store(
        trade_off,
        settings,
        path or shelf.path(trade_off),
        seed=options.seed,
        resume=options.resume,
        progress=progress.training,
    )


def ready_pomonag(
    generator: PomonagGenerator | Path | str | None = None,
    *,
    device: Target | str | None = None,
    lut: CostModel | Path | str | None = None,
    accuracy: AccuracyModel | Path | str = "imagenet",
    options: ModelOptions | None = None,
    progress: AnswerProgress | None = None,
) -> tuple[PomonagGenerator, TradeOff]:
    """The generator that was named, else the one kept for the models, trained if need be.

    Args:
        generator: itself or its file.
        device: as of :func:`train_pomonag`; the models likewise.

    Raises:
        UsageError: models, device and options do not fit, or there is no such file.
        NasprofError: one must be trained, and torch is not installed.
    """
    options, progress = options or ModelOptions(), progress or AnswerProgress()
    trade_off = resolve_deployment(device, lut, accuracy, options, progress).trade_off
    return shelf.ready(trade_off, generator, progress.training), trade_off


def generate_pomonag(
    generator: PomonagGenerator, trade_off: TradeOff, options: GenerationOptions | None = None
) -> Generated:
    """Architectures for a generator's objectives, see :mod:`search.pomonag.generated`.

    Raises:
        UsageError: there is no such phase or guide, or no predictor to guide by.
    """
    from search.pomonag.generated import generate_architectures

    return generate_architectures(generator.calibrated(trade_off), trade_off, options)


def report_pomonag(
    generator: PomonagGenerator,
    trade_off: TradeOff,
    options: ReportOptions | None = None,
    progress: Progress = no_progress,
) -> GeneratorReport:
    """How good a generator is, see :mod:`search.pomonag.report`.

    Raises:
        UsageError: there is no such phase.
    """
    from search.pomonag.report import report_on

    return report_on(generator, trade_off, options, progress)
