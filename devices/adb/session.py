"""What every session on an ADB device does, whichever program runs the models there.

The workspace lives as long as the connection. When the connection is lost or an answer does not
come, everything on the device is ended and removed; the next round connects again and brings the
files anew. A measurement itself is never repeated here.
"""

from __future__ import annotations

import tempfile
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from devices.adb.heat import Heat
from devices.adb.model_files import ModelFiles
from devices.adb.options import AdbOptions
from devices.adb.state import STATE_SCRIPT, big_cores, parse_state
from devices.adb.workspace import Workspace
from devices.errors import DeviceError, DeviceLost, DeviceTimeout, RunnerRefused
from devices.samples import Arrived, Samples, take_in
from devices.session import Session
from devices.settings import NO_DETAILS, NOTHING_KNOWN, DetailsByName, ModelDetails, RunSettings
from nasprof.errors import NasprofError, UsageError
from nasprof.typing import JsonObject


class AdbSession(Session):
    """Models on an ADB device.

    Args:
        workspace: open.
        settings: as asked for; :attr:`settings` then has the affinity chosen here.
        options: the device's.
        facts: what identifies the device.
    """

    suffixes: tuple[str, ...]
    """Endings of the model files that can be run."""

    def __init__(
        self,
        workspace: Workspace,
        settings: RunSettings,
        options: AdbOptions,
        facts: JsonObject,
    ) -> None:
        self.options = options
        self.workspace = workspace
        self.affinity = settings.affinity or big_cores(facts.get("max_khz", {}), settings.threads)
        self.settings = settings
        self.verified: set[str] = set()
        self._models: dict[str, Path] = {}
        self._details: dict[str, ModelDetails] = {}
        self._files = ModelFiles(workspace)
        self._ready = False
        self._closed = False
        self._heat = Heat(options, self.state)

    @abstractmethod
    def prepare(self) -> None:
        """Bring to the open workspace what runs the models, and check that it does."""

    @abstractmethod
    def try_models(self, names: Sequence[str]) -> None:
        """Look whether models that were just pushed can be run.

        Raises:
            RunnerRefused: one cannot.
        """

    @abstractmethod
    def measure(self, order: Sequence[str], warmup: int, runs: int, arrived: Arrived) -> None:
        """Run a round, telling of each visit as it comes.

        Args:
            order: names of loaded models.
            warmup: untimed runs of each visit.
            runs: timed runs of each visit.
            arrived: told of each visit when it is over.

        Raises:
            DeviceError: with what was timed of the visit that was cut short as ``partial``.
        """

    def operator_times(self, name: str, warmup: int, runs: int) -> dict[str, float]:
        """Mean ms of each operator of a loaded model; see :meth:`profile`.

        Args:
            name: of the model.
            warmup: runs that do not count.
            runs: that are averaged over.
        """
        return super().profile(name, warmup, runs)

    def judge(self, collected: Mapping[str, Samples]) -> None:
        """Flag what the runner told of a whole round, which is over."""

    def load(self, models: Mapping[str, Path], details: DetailsByName = NOTHING_KNOWN) -> None:
        for name, path in models.items():
            known = details.get(name, NO_DETAILS)
            for file in (path, *known.companions, *known.files.values()):
                if not file.is_file():
                    raise RunnerRefused(f"file {file} does not exist", model=name)
            if path.suffix not in self.suffixes:
                raise UsageError(
                    f"{path} cannot be run here: expected a file that ends in "
                    f"{' or '.join(self.suffixes)}",
                    "Export it in that format, or choose another runner or runtime.",
                )
        self._forget(models)
        self._models |= models
        self._details |= details
        try:
            self.make_ready()
        except NasprofError:
            self._forget(models)
            raise

    def _forget(self, names: Iterable[str]) -> None:
        self._files.forget(names)
        for name in names:
            self._models.pop(name, None)
            self._details.pop(name, None)

    def details(self, name: str) -> ModelDetails:
        """What is known of a loaded model."""
        return self._details.get(name, NO_DETAILS)

    def run_round(
        self, order: Sequence[str], warmup: int, runs: int, arrived: Arrived | None = None
    ) -> dict[str, Samples]:
        self._must_be_loaded(order)
        self.make_ready()
        self.partial = collected = dict[str, Samples]()

        def keep(name: str, samples: Samples) -> None:
            take_in(collected, name, samples)
            if arrived is not None:
                arrived(name, samples)

        try:
            with self.workspace.exclusive():
                before = self._heat.cool_down()
                self.measure(order, warmup, runs, keep)
                after = self.state()
        except DeviceError as error:
            self._give_up(error)
            for name, samples in error.partial.items():
                take_in(collected, name, samples)
            error.partial = collected
            raise
        self.partial = {}
        self.judge(collected)
        self._heat.judge(collected, before, after)
        return collected

    def profile(self, name: str, warmup: int, runs: int) -> dict[str, float]:
        self._must_be_loaded([name])
        self.make_ready()
        try:
            with self.workspace.exclusive():
                self._heat.cool_down()
                return self.operator_times(name, warmup, runs)
        except DeviceError as error:
            self._give_up(error)
            raise

    def make_ready(self) -> None:
        """Open the workspace and push what is missing; tried twice, as it measures nothing."""
        self._must_be_open()
        for last in (False, True):
            try:
                self._bring()
                return
            except (DeviceLost, DeviceTimeout) as error:
                self._give_up(error)
                if last:
                    raise
            except DeviceError as error:
                self._give_up(error)
                raise

    def _must_be_open(self) -> None:
        if self._closed:
            raise DeviceError("this session has ended", "Open another one.")

    def _must_be_loaded(self, names: Iterable[str]) -> None:
        self._must_be_open()
        for name in names:
            if name not in self._models:
                raise UsageError(f"no model {name!r} is loaded")

    def _bring(self) -> None:
        if self._ready and not self.workspace.connection.connected:
            # Ended by what is no error of the device: Ctrl-C, or whoever was told of a visit.
            self._ready = False
            self.workspace.close()
        if not self._ready:
            self._files.clear()
            if not self.workspace.connection.connected:
                self.workspace.open()
        new = [name for name in self._models if name not in self._files]
        if self._ready and not new:
            return
        with self.workspace.exclusive():
            if not self._ready:
                self.prepare()
                self._ready = True
            if new:
                self.verified |= self._files.push(
                    {name: self._models[name] for name in new},
                    {name: self.details(name).companions for name in new},
                )
                self._push_inputs(new)
                self.try_models(new)

    def _push_inputs(self, names: Iterable[str]) -> None:
        """Bring the files that inputs are read from."""
        for name in names:
            for number, path in enumerate(self.details(name).files.values()):
                self.verified.add(self.workspace.push(path, self._input_file(name, number)))

    def _input_file(self, name: str, number: int) -> str:
        return f"input{list(self._models).index(name)}-{number}.npy"

    def input_files(self, name: str) -> dict[str, str]:
        """Paths on the device of the files that a model's inputs are read from."""
        return {
            tensor: self.workspace.path(self._input_file(name, number))
            for number, tensor in enumerate(self.details(name).files)
        }

    def push_bytes(self, data: bytes, name: str) -> None:
        """Write a file into the workspace."""
        with tempfile.NamedTemporaryFile() as scratch:
            scratch.write(data)
            scratch.flush()
            self.verified.add(self.workspace.push(Path(scratch.name), name))

    def remote(self, name: str) -> str:
        """Path of a loaded model on the device."""
        return self._files.path(name)

    def _give_up(self, error: DeviceError) -> None:
        """Clean the device where an error has left the connection or a process unusable."""
        if not self.workspace.connection.connected or isinstance(error, DeviceTimeout):
            self._ready = False
            self.workspace.close()

    def state(self) -> JsonObject:
        try:
            return parse_state(self.workspace.connection.shell(STATE_SCRIPT).output)
        except DeviceError as error:
            self._give_up(error)
            raise

    def close(self) -> None:
        self._closed = True
        self._ready = False
        self.workspace.close()
