"""A generator for the models of a device."""

from __future__ import annotations

from pathlib import Path

from devices import Target
from luts import CostModel
from nasprof.errors import UsageError
from search.accuracy.base import AccuracyModel
from search.answers.deployment import resolve_deployment
from search.answers.request import AnswerProgress, TrainOptions
from search.generators.shelf import G, S, Shelf
from search.pnag.generator import Generator
from search.pnag.rewards import rewards
from search.pnag.settings import TrainingSettings
from search.pnag.stored import shelf


def train_generator(
    settings: TrainingSettings | None = None,
    *,
    device: Target | str | None = None,
    lut: CostModel | Path | str | None = None,
    accuracy: AccuracyModel | Path | str = "imagenet",
    output: Path | str | None = None,
    options: TrainOptions | None = None,
    progress: AnswerProgress | None = None,
) -> Generator:
    """Train the generator that answers any budget on a device, and write it.

    Where it is kept, :func:`search.generate` answers by it. An interrupted training goes on
    when it is called for again. After Guo et al. 2022, Sec. 3 and 4.1.

    Args:
        settings: of the training; the best known unless given.
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

    >>> hardly, table = TrainingSettings(steps=2), "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"
    >>> train_generator(hardly, lut=table, output="hardly.npz").provenance["settings"]["steps"]
    2
    """
    settings = settings or TrainingSettings()
    rewards.get(settings.reward)
    return train_for((device, lut, accuracy), shelf, settings, output, options, progress)


def train_for(
    models: tuple[Target | str | None, CostModel | Path | str | None, AccuracyModel | Path | str],
    shelf: Shelf[G, S],
    settings: S,
    output: Path | str | None,
    options: TrainOptions | None,
    progress: AnswerProgress | None,
) -> G:
    """Train a generator of a shelf for a device, a cost model and an accuracy model.

    Raises:
        UsageError, NasprofError: as :func:`train_generator`.
    """
    options, progress = options or TrainOptions(), progress or AnswerProgress()
    path = None if output is None else Path(output)
    if path is not None and path.suffix != ".npz":
        raise UsageError(f"{path} is no place for a generator", "Expected a file in .npz.")
    trade_off = resolve_deployment(*models, options, progress).trade_off
    return shelf.train_and_store(
        trade_off,
        settings,
        path or shelf.path(trade_off),
        seed=options.seed,
        resume=options.resume,
        progress=progress.training,
    )
