"""Models of any sort under names: architectures, model files, torch modules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, cast

from devices import ModelDetails
from profiler.model_files.architectures import (
    ArchLike,
    NamedArch,
    is_arch,
    numbered_archs,
    unique_names,
)
from profiler.model_files.formats import is_model_file
from profiler.model_files.model_file import ModelFile
from profiler.model_files.own import own_files
from profiler.model_files.torch_models import TorchModel

ModelLike: TypeAlias = ArchLike | TorchModel | ModelFile
"""An architecture in any form, a torch module, or a model file or its path."""
NamedModel: TypeAlias = NamedArch | TorchModel | ModelFile


def named_models(
    models: ModelLike | Iterable[ModelLike], inputs: ModelDetails | None = None
) -> list[NamedModel]:
    """Models in order, each under a name of its own.

    Args:
        inputs: what is said of the inputs of model files that are given as paths; None where
            paths are of architectures only.

    Raises:
        UsageError: naming what is none, or a file that is missing.
    """
    if is_arch(models) or isinstance(models, TorchModel | ModelFile):
        models = [cast(ModelLike, models)]
    several = list(cast(Iterable[ModelLike], models))
    paths = [Path(model) for model in several if inputs is not None and is_model_file(model)]
    files = iter(own_files(paths, inputs) if paths and inputs is not None else ())
    named: list[NamedModel] = []
    for model in several:
        if isinstance(model, TorchModel | ModelFile):
            named.append(model)
        elif inputs is not None and is_model_file(model):
            named.append(next(files))
        else:
            archs = sum(isinstance(known, NamedArch) for known in named)
            named += numbered_archs(model, archs)
    names = unique_names(model.name for model in named)
    return [replace(model, name=name) for model, name in zip(named, names, strict=True)]
