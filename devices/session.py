"""What a session is: a device made ready, which takes model files and times them in rounds.

How rounds are planned, repeated and judged is the business of ``profiler.measuring.measure``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from devices.arrays import Tensor
from devices.errors import DeviceError, RunnerRefused
from devices.samples import Arrived, Samples
from devices.settings import NOTHING_KNOWN, DetailsByName, RunSettings
from nasprof.typing import JsonObject


class Session(ABC):
    """A device made ready with one set of settings; a context manager that cleans up."""

    settings: RunSettings
    partial: Mapping[str, Samples] = MappingProxyType({})
    """What the round under way has given so far: kept when it is cut short by Ctrl-C."""
    ended: DeviceError | None = None
    """What ended it for good; None as long as it can be used, or made ready again."""

    @abstractmethod
    def load(self, models: Mapping[str, Path], details: DetailsByName = NOTHING_KNOWN) -> None:
        """Bring model files to the device, by name, and see that they run.

        Args:
            models: paths on this machine.
            details: of those models of which there are any.

        Raises:
            DeviceError: with the name of the ``model``, if it is one that cannot be loaded or run.
        """

    def tensors(self, name: str) -> JsonObject:
        """What the runner tells of a loaded model: ``inputs``
        (:attr:`devices.runner.inputs.Inputs.described`), ``outputs``, ``load_ms``, ``unused``
        names and, where it has several, the ``signature`` that was taken and all ``signatures``.
        Empty where the device tells nothing.
        """
        return {}

    @abstractmethod
    def run_round(
        self, order: Sequence[str], warmup: int, runs: int, arrived: Arrived | None = None
    ) -> dict[str, Samples]:
        """Visit models in the given order: each ``warmup`` untimed, then ``runs`` timed runs.

        A model may be visited several times; its samples are joined. Their context tells the time
        of the untimed runs as ``warmup_ms``, where it is known.

        Args:
            order: names of loaded models.
            warmup: untimed runs of each visit.
            runs: timed runs of each visit.
            arrived: told of each visit when it is over; doubts that only the whole round shows
                are missing then.

        Returns:
            By name, the samples of all visits of a model: ``runs`` times in ms for each.

        Raises:
            DeviceError: with the samples taken so far as ``partial``.
        """

    def outputs(self, name: str, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run a loaded model once and return its outputs, by name.

        Args:
            name: of the model.
            inputs: arrays of the shapes and types of the model's inputs, by their names.

        Raises:
            RunnerRefused: where the device cannot return outputs.
        """
        raise RunnerRefused("this device does not return outputs")

    def sample_outputs(self, name: str, samples: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Run a loaded model on any number of samples and return all outputs, by name.

        The device cuts them into batches of the model's size, whatever that is. All of them are in
        memory at once, here and there: give large sets in parts.

        Args:
            name: of the model.
            samples: arrays ``(n, ...)`` by input, each like the model's input but for its first
                axis.

        Returns:
            Arrays ``(n, ...)`` by output.

        Raises:
            RunnerRefused: the device cannot return outputs, or the model works otherwise.
            RunnerCrashed: it gave none, or not one for each sample.
        """
        raise RunnerRefused("this device does not return outputs")

    def profile(self, name: str, warmup: int, runs: int) -> dict[str, float]:
        """Mean ms a run of each operator of a loaded model, by its name, in the order they ran.

        The names are those of the nodes in the model file as far as the runtime keeps them; one
        that it made of several bears the name of one of them.

        Args:
            name: of the model.
            warmup: runs that do not count.
            runs: that are averaged over.

        Raises:
            RunnerRefused: where the device gives no operator profiles.
        """
        raise RunnerRefused("this device gives no operator profiles")

    @abstractmethod
    def provenance(self) -> JsonObject:
        """What executes: ``runtime_version``, ``threads``, ``affinity`` (a list of CPUs, or None
        where that is not known), all as they are set, and what else identifies it.
        """

    def state(self) -> JsonObject:
        """The device's condition right now (frequency, governor, temperature, load)."""
        return {}

    @abstractmethod
    def close(self) -> None:
        """End what runs and remove what was left on the device. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
