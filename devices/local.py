"""A session with the runner on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from devices import host
from devices.arrays import Tensor, checked_outputs, read_arrays, write_arrays
from devices.cgroup import cpu_quota
from devices.contention import mark_contention
from devices.errors import DeviceError
from devices.replies import (
    RoundReplies,
    checked_hello,
    checked_load,
    context_of,
    operators_of,
)
from devices.reply_checks import damaged
from devices.requests import hello_request, load_request, run_request
from devices.runner_process import RunnerProcess
from devices.samples import THROTTLED, Arrived, Samples, take_in
from devices.session import Session
from devices.settings import NO_DETAILS, NOTHING_KNOWN, DetailsByName, RunSettings
from nasprof.arrays import MAX_BYTES
from nasprof.reading import read_bytes
from nasprof.temporary import TemporaryFolder
from nasprof.typing import JsonObject

DEFAULT_TIMEOUT_S = 300.0


class LocalSession(Session):
    """Runs and times models in a process of its own, so that a crash there is an error here.

    Args:
        settings: runtime, threads, affinity (as it shall be set) and options.
        timeout_s: limit for one answer: the loading of a model, or all its runs of a round.

    Raises:
        RunnerRefused: the runtime is missing or cannot do what the settings ask for.
    """

    def __init__(self, settings: RunSettings, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self.settings = settings
        self.timeout_s = timeout_s
        self._models: dict[str, JsonObject] = {}
        self._folder = TemporaryFolder()
        self._process = RunnerProcess(settings.threads, self._folder.path, timeout_s)
        try:
            hello = hello_request(settings, settings.affinity, settings.options)
            self._hello = checked_hello(self._process.ask(hello), hello)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The runner's process id."""
        return self._process.pid

    def load(self, models: Mapping[str, Path], details: DetailsByName = NOTHING_KNOWN) -> None:
        for name, path in models.items():
            known = details.get(name, NO_DETAILS)
            files = {name: str(file.absolute()) for name, file in known.files.items()}
            request = load_request(name, str(self._as_text(path.absolute())), known, files)
            try:
                reply = self._process.ask({**request, "try": known.foreign})
                self._models[name] = checked_load(reply, name)
            except DeviceError as error:
                error.model = name
                raise

    def _as_text(self, path: Path) -> Path:
        """A path to the same file that is text: runtimes read no others."""
        try:
            str(path).encode()
        except UnicodeEncodeError:
            link = self._folder.path / f"model{len(self._models)}"
            link.symlink_to(path)
            return link
        return path

    def run_round(
        self, order: Sequence[str], warmup: int, runs: int, arrived: Arrived | None = None
    ) -> dict[str, Samples]:
        self.partial = collected = dict[str, Samples]()
        request = {"op": "round", "order": list(order), "warmup": warmup, "runs": runs}
        heat, stops = host.throttle_count(), _stops()
        visits = RoundReplies(order, runs)
        try:
            self._process.send(request)
            while (reply := self._process.reply("round"))["ok"] == "samples":
                name, samples = visits.visit(reply)
                take_in(collected, name, samples)
                if arrived is not None:
                    arrived(name, samples)
            visits.check()
            round_context = context_of(reply)
        except DeviceError as error:
            error.partial = collected
            raise
        slowed = host.throttled(heat, host.throttle_count())
        allowance = self._allowance(stops)
        for samples in collected.values():
            mark_contention(samples, self.settings.threads, round_context, allowance)
            if slowed:
                samples.flags.append(THROTTLED)
        self.partial = {}
        return collected

    def _allowance(self, stops: int) -> str | None:
        """What keeps the runner from the CPU time its threads could use; None if nothing does.

        Args:
            stops: how often its quota had stopped it before.
        """
        cpus = len(self._hello["affinity"] or host.available_cpus())
        if self.settings.threads > cpus:
            return f"{self.settings.threads} threads share {cpus} CPUs: no more may be used"
        quota = cpu_quota()
        if quota is not None and quota.stops > stops:
            periods = quota.stops - stops
            return f"a CPU quota of {quota.cores:g} cores stopped it in {periods} periods"
        return None

    def outputs(self, name: str, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self._outputs(name, inputs, many=False)

    def sample_outputs(self, name: str, samples: Mapping[str, Tensor]) -> dict[str, Tensor]:
        outputs = self._outputs(name, samples, many=True)
        return checked_outputs(outputs, self._models[name], samples)

    def _outputs(self, name: str, arrays: Mapping[str, Tensor], *, many: bool) -> dict[str, Tensor]:
        source, target = (self._folder.path / file for file in ("in.npz", "out.npz"))
        source.write_bytes(write_arrays(arrays))
        target.unlink(missing_ok=True)
        self._process.ask(run_request(name, str(source), str(target), many))
        if not target.is_file():
            damaged("run", "there are no outputs")
        return read_arrays(read_bytes(target, MAX_BYTES))

    def profile(self, name: str, warmup: int, runs: int) -> dict[str, float]:
        request = {"op": "profile", "name": name, "warmup": warmup, "runs": runs}
        return operators_of(self._process.ask(request), name)

    def tensors(self, name: str) -> JsonObject:
        return self._models[name]

    def provenance(self) -> JsonObject:
        return {key: value for key, value in self._hello.items() if key not in ("ok", "pid")}

    def state(self) -> JsonObject:
        return host.state(self._hello["affinity"] or host.available_cpus())

    @property
    def ended(self) -> DeviceError | None:  # type: ignore[override]
        """What ended it for good; None as long as it can be used."""
        return self._process.ended

    def close(self) -> None:
        self._process.close()
        self._folder.cleanup()


def _stops() -> int:
    """How often a quota has stopped this process and those beside it."""
    quota = cpu_quota()
    return 0 if quota is None else quota.stops
