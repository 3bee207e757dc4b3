"""What is to be delivered, and how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from devices import Target
from luts import CostModel
from nasprof.errors import UsageError
from nasprof.progress import no_progress
from nasprof.typing import JsonObject, Progress
from profiler.lowering import find_format
from profiler.measuring.protocol import Protocol, as_protocol
from profiler.measuring.status import Status
from profiler.model_files.architectures import ArchLike
from search.accuracy.base import AccuracyModel
from search.answers.request import AnswerProgress, GenerateOptions
from supernets.training.fine_tuning import FineTuning

if TYPE_CHECKING:
    from supernets import DataSet


FORMATS = ("onnx", "tflite")
"""Of files that are delivered: those that run on devices."""


@dataclass(frozen=True)
class DeliveryProgress(AnswerProgress):
    """Whom to tell how far the work has come.

    Args:
        fine_tuning: how many of how many steps are done.
        evaluating: how many of how many networks of the supernet have been evaluated, where a
            budget is to be answered by their accuracy.
        accuracy: how many images of how many the files have classified.
        latency: of each round of the measurement of the files.
    """

    fine_tuning: Progress = no_progress
    evaluating: Progress = no_progress
    accuracy: Progress = no_progress
    latency: Callable[[Status], None] = no_progress


@dataclass(frozen=True)
class BudgetRequest:
    """A network that is asked for by its latency; see :func:`search.generate`.

    Args:
        budget: latency allowed: a number is ms, text may name its unit.
        lut: cost model, its name or its file (.json); one's own table of the device unless given.
        accuracy: accuracy model, its name or its file, or measurements (.csv: arch,top1). Unless
            given, one that is learned from networks of the supernet, evaluated on the validation
            images; of Once-for-All's checkpoints ``imagenet``.
        verify: whether answers are measured; on this machine's devices unless told otherwise.
        options: everything else.
    """

    budget: float | str
    lut: CostModel | Path | str | None = None
    accuracy: AccuracyModel | Path | str | None = None
    verify: bool | None = None
    options: GenerateOptions = field(default_factory=GenerateOptions)


@dataclass(frozen=True)
class DeliveryOptions:
    """How a network is delivered.

    Args:
        formats: of model files: "onnx", "tflite"; one or several.
        precisions: of model files: "fp32", "fp16", "int8"; one or several.
        uint8_input: whether files take raw pixels, 0 to 255, and normalise them themselves.
        calibration: training images that set the ranges of int8.
        recalibration: training images that the batch norm is recalibrated on.
        fine_tuning: how the network is trained further; not at all unless given.
        protocol: how latency is measured; the device's own unless given.
        seed: of everything random.

    Raises:
        UsageError: one of them makes no sense.

    >>> DeliveryOptions(formats="tflite", precisions=["fp32", "int8"]).formats
    ('tflite',)
    """

    formats: Sequence[str] | str = ("onnx", "tflite")
    precisions: Sequence[str] | str = ("fp32",)
    uint8_input: bool = False
    calibration: int = 100
    recalibration: int = 500
    fine_tuning: FineTuning | None = None
    protocol: Protocol | str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("formats", "precisions"):
            value = getattr(self, name)
            names = (value,) if isinstance(value, str) else tuple(dict.fromkeys(value))
            object.__setattr__(self, name, names)
            if not names:
                raise UsageError(f"there are no {name} to deliver", "Name one at least.")
        for name in self.formats:
            if name not in FORMATS:
                raise UsageError(f"format is {name!r}, expected {' or '.join(FORMATS)}")
            for precision in self.precisions:
                find_format(name, precision)
        for name, least in (("calibration", 1), ("recalibration", 2), ("seed", 0)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise UsageError(f"{name} is {value!r}, expected a whole number from {least} on")
        if self.protocol is not None:
            as_protocol(self.protocol)  # refuses one that there is not

    def to_dict(self) -> JsonObject:
        """What the files depend on, as JSON."""
        return {
            "formats": list(self.formats),
            "precisions": list(self.precisions),
            "uint8_input": self.uint8_input,
            "calibration": self.calibration,
            "recalibration": self.recalibration,
            "fine_tuning": None if self.fine_tuning is None else self.fine_tuning.to_dict(),
            "seed": self.seed,
        }


@dataclass(frozen=True)
class DeliveryRequest:
    """What is to be delivered, and where to.

    Args:
        supernet: file with the weights: a supernet's ``.safetensors``, or a published checkpoint
            of Once-for-All (``.pth``).
        data: labelled images, or their folder, file or name.
        arch: the network: an architecture, its file, or a budget.
        output: folder to write to; made if there is none.
        device: that latency is measured on, its name or a target; this machine's processor unless
            given. Where it returns outputs, accuracy is measured on it as well.
        options: everything else.
    """

    supernet: Path | str
    data: DataSet | Path | str
    arch: ArchLike | BudgetRequest
    output: Path | str
    device: Target | str | None = None
    options: DeliveryOptions = field(default_factory=DeliveryOptions)
