"""The process and the networks that settings ask for."""

from __future__ import annotations

from functools import partial

from torch import nn

from nasprof.errors import UsageError
from search.diffusion.conditions import n_features
from search.diffusion.encodings import encodings
from search.diffusion.gaussian import GaussianProcess
from search.diffusion.learner import Learner
from search.diffusion.networks import ResidualMlp
from search.diffusion.process import Process, processes
from search.diffusion.settings import DiffusionSettings
from search.diffusion.transformer import RowTransformer
from spaces import Space

PREDICTOR_BLOCKS = 2


def make_process(space: Space, settings: DiffusionSettings) -> Process:
    """The process of those settings over a space's architectures.

    Raises:
        UsageError: there is no such encoding, process or sampler, or they do not fit.
    """
    encoding = encodings.get(settings.encoding)(space)
    kind = processes.get(settings.process)
    if settings.head == "softmax":
        process = kind(encoding)
    elif issubclass(kind, GaussianProcess):
        process = kind(encoding, linear=True)
    else:
        raise UsageError(
            f"setting 'head' is 'linear', which process {settings.process!r} has not",
            "Take head 'softmax', or process 'gaussian'.",
        )
    process.known_sampler(settings.sampler)
    return process


def make_denoiser(process: Process, n_costs: int, settings: DiffusionSettings) -> nn.Module:
    """The network that takes noise away, told of conditions on so many costs."""
    rows, classes = process.encoding.shape
    size = (n_features(n_costs), settings.width, settings.blocks)
    if settings.network == "transformer":
        return RowTransformer(rows, classes, *size)
    return ResidualMlp(process.length, process.length, *size)


def make_predictor(process: Process, n_objectives: int, settings: DiffusionSettings) -> nn.Module:
    """The network that predicts normal scores of noisy architectures."""
    return ResidualMlp(process.length, n_objectives, 0, settings.width, PREDICTOR_BLOCKS)


def make_learners(
    process: Process, n_objectives: int, settings: DiffusionSettings, seeds: tuple[int, int]
) -> tuple[Learner, Learner]:
    """Denoiser and predictor, not trained yet."""
    denoiser = partial(make_denoiser, process, n_objectives - 1, settings)
    predictor = partial(make_predictor, process, n_objectives, settings)
    rate = settings.learning_rate
    return Learner(denoiser, seeds[0], rate), Learner(predictor, seeds[1], rate)
