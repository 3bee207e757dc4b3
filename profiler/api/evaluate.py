"""The accuracy of model files, by running them on labelled images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from devices import Backend, Target
from devices.digest import model_digest
from nasprof.classification import Accuracy, Labels, accuracy
from nasprof.errors import UsageError
from nasprof.normalisation import Normalisation
from nasprof.results import Records
from nasprof.typing import JsonObject, Progress
from profiler.model_files.backends import backend_of
from profiler.model_files.logits import Images, logits_of


@dataclass(frozen=True)
class EvaluatedFile:
    """The accuracy of a model file where it was run.

    Args:
        path: the file.
        sha256: of the file's content, hexadecimal.
        accuracy: top-1 with its interval, top-5, accuracy by class.
        device: where it ran; with the serial of one of several.
        runtime: what executed it.
        runtime_version: of the runtime, where it is told.
    """

    path: Path
    sha256: str
    accuracy: Accuracy
    device: str
    runtime: str
    runtime_version: str | None

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return {
            "path": str(self.path),
            "sha256": self.sha256,
            **self.accuracy.to_dict(),
            "device": self.device,
            "runtime": self.runtime,
            "runtime_version": self.runtime_version,
        }


class EvaluatedFiles(Records[EvaluatedFile]):
    """Accuracies in the order of the files."""

    def rows(self) -> list[JsonObject]:
        """A flat row each, without the accuracies by class."""
        return [
            {key: value for key, value in result.to_dict().items() if key != "by_class"}
            for result in self
        ]


def evaluate(
    files: str | Path | Iterable[str | Path],
    images: Images,
    labels: ArrayLike,
    device: Target | str | None = None,
    *,
    normalisation: Normalisation | None = None,
    progress: Progress | None = None,
) -> EvaluatedFiles:
    """The accuracy of model files on labelled images, as a device computes it.

    Args:
        files: classifiers (``.onnx``, ``.tflite``, ``.pt``) with one input of images and one
            output of logits; one or several.
        images: pixels ``(n, h, w, c)`` as uint8, or float32 normalised already; or a set of the
            former that reads them when they are needed, such as a split of a data set.
        labels: numbers of the right classes ``(n,)``.
        device: its name, or a :class:`Target`; this machine's processor unless given. Each file
            is executed by the runtime of its format unless the target says which.
        normalisation: of pixels for files that take float32; those that take pixels have their own.
        progress: told how many images of all have been through, all files together.

    Returns:
        One accuracy a file.

    Raises:
        UsageError: a file is missing, or images and labels do not fit it.
        DeviceError: the device cannot run a file, or cannot return what it computes.
        NasprofError: a file's outputs are no finite logits.

    >>> import tempfile
    >>> from profiler import export
    >>> from spaces import get_space
    >>> space = get_space("nasbench201", cells=1)
    >>> images = np.zeros((3, 32, 32, 3), np.float32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = export((space, [3, 3, 3, 3, 3, 3]), "onnx", output=folder)
    ...     (result,) = evaluate(written[0].path, images, [0, 1, 2])
    >>> result.accuracy.low < result.accuracy.high, result.accuracy.n, result.runtime
    (True, 3, 'onnxruntime')
    """
    paths = [Path(file) for file in ([files] if isinstance(files, str | Path) else files)]
    numbers = _labels(labels, len(images))
    target = Target.of(device)
    results = []
    for done, path in enumerate(paths):
        part = _part(progress, done, len(paths))
        results.append(
            _evaluate(path, images, numbers, backend_of(target, [path]), normalisation, part)
        )
    return EvaluatedFiles(results)


def _evaluate(
    path: Path,
    images: Images,
    labels: Labels,
    backend: Backend,
    normalisation: Normalisation | None,
    progress: Progress | None,
) -> EvaluatedFile:
    with backend.open() as session:
        logits = logits_of(path, images, session, normalisation, progress)
        version = session.provenance().get("runtime_version")
    return EvaluatedFile(
        path=path,
        sha256=model_digest(path),
        accuracy=accuracy(logits, labels),
        device=backend.label,
        runtime=backend.settings.runtime,
        runtime_version=version,
    )


def _labels(labels: ArrayLike, n: int) -> Labels:
    numbers = np.asarray(labels)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or len(numbers) != n:
        raise UsageError(
            f"labels are {numbers.dtype} of shape {numbers.shape}, "
            f"expected a whole number for each of {n} images"
        )
    return numbers


def _part(progress: Progress | None, done: int, count: int) -> Progress | None:
    """Progress of one file of several that take as long as each other."""
    if progress is None:
        return None
    return lambda images, total: progress(done * total + images, count * total)
