"""Where answers are for: a trade-off, and the device that its latencies are of.

The cost model is the one that was named; else the user's own table of the device, which is built
first where the device is in this machine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from devices import Backend, Target
from luts import CostModel, LookupTable, Speed
from luts.files import open_cost_model, warn_of_doubts
from nasprof.errors import UsageError
from nasprof.log import logger
from profiler.measuring.protocol import Protocol
from profiler.measuring.records import Measurement
from profiler.measuring.speed import todays_speed
from profiler.tables.backend import backend_of, changes_at, plan_of, warn_of_changes
from profiler.tables.measured import measure_genes
from profiler.tables.own import OwnTable
from profiler.tables.plan import Plan
from profiler.tables.progress import BuildProgress
from profiler.tables.provenance import conditions_of
from search.accuracy import AccuracyModel, read_accuracy_model
from search.answers.request import ModelOptions
from search.objectives.trade_off import TradeOff
from spaces import Genes, Space
from spaces.predictor import SpaceMismatch

ROUNDS = 2
"""How many times the rounds of a table's protocol: a few networks are over sooner than a table."""


@dataclass(frozen=True)
class Deployment:
    """A trade-off and the device that its latencies are of.

    Args:
        name: of the device.
        backend: how models are run there as the cost model has it; None where no profile has that
            name.
        plan: how the cost model was measured, as far as it tells; None without a backend.
        changed: what is different now from when the cost model was measured, in words.
    """

    trade_off: TradeOff
    name: str
    backend: Backend | None = None
    plan: Plan | None = None
    changed: tuple[str, ...] = ()

    @property
    def local(self) -> bool:
        """Whether the device is in this machine."""
        return self.backend is not None and self.backend.device.local

    def answer_plan(self, protocol: Protocol | None = None) -> Plan:
        """How answers are measured: as the table was, in more rounds.

        Args:
            protocol: how to measure instead.

        Raises:
            UsageError: it is not known which device that is.
        """
        if self.plan is None:
            raise UsageError(
                f"no device is called {self.name!r}: the answers cannot be measured",
                "Name the device by --device, or leave out --verify.",
            )
        known = self.plan.protocol
        rounds_min, rounds_max = ROUNDS * known.rounds_min, ROUNDS * known.rounds_max
        more = replace(known, rounds_min=rounds_min, rounds_max=rounds_max)
        return replace(self.plan, protocol=protocol or more)

    def measure(
        self, genes: Genes, plan: Plan | None = None, progress: BuildProgress | None = None
    ) -> list[Measurement]:
        """Measure architectures ``(n, n_genes)`` together, named ``answer0``, ``answer1``, ...

        Args:
            plan: protocol, precision, batch and seed; that of answers unless given.

        Raises:
            UsageError: it is not known which device that is.
            DeviceError, Interrupted: as :func:`profiler.measuring.measure.measure_files`.
        """
        plan = plan or self.answer_plan()
        assert self.backend is not None
        return measure_genes(self.backend, plan, self.trade_off.space, genes, progress)

    def speed(self, progress: BuildProgress | None = None) -> Speed | None:
        """Today's speed on the table's clock; None where the cost model keeps no such sentinel.

        Raises:
            DeviceError, Interrupted: as :func:`profiler.measuring.measure.measure_files`.
        """
        table, plan = self.trade_off.cost, self.plan
        if not isinstance(table, LookupTable) or plan is None:
            return None
        # As many rounds as the table's: only the sentinel is of interest, and it is in all of them.
        speeds = todays_speed(
            table, self.trade_off.space, lambda genes: self.measure(genes, plan, progress)
        )
        return None if speeds is None else speeds.get(table.clock)


def resolve_deployment(
    device: Target | str | None,
    lut: CostModel | Path | str | None,
    accuracy: AccuracyModel | Path | str,
    options: ModelOptions,
    progress: BuildProgress | None = None,
) -> Deployment:
    """The models that were named and their device; says what is doubtful about them.

    Args:
        lut: cost model, its name or its file; one's own table of the device where it is None,
            which is built first if the device is in this machine.
        accuracy: accuracy model, its name or its file.
        progress: told how far building the table has come.

    Raises:
        UsageError: there is no such model or device, or they do not fit.
        NasprofError: the table of a device elsewhere is missing; with the command to run.
    """
    target, model = Target.of(device), open_accuracy_model(accuracy)
    if lut is None:
        deployment = own_deployment(
            model,
            target,
            resolution=options.resolution,
            precision=options.precision or "fp32",
            clock=options.clock,
            progress=progress,
        )
        warn_of_doubts(deployment.trade_off.cost)
    else:
        if options.precision is not None:
            name = lut.name if isinstance(lut, CostModel) else lut
            raise UsageError(f"--lut {name} says the precision itself", "Leave out --precision.")
        cost = open_cost_model(lut, options.clock)
        deployment = deployment_of(cost, model, target, resolution=options.resolution)
    warn_of_changes(deployment.trade_off.cost, deployment.changed)
    return deployment


def open_accuracy_model(accuracy: AccuracyModel | Path | str) -> AccuracyModel:
    """An accuracy model by name or file, or itself; says what is doubtful about it.

    Raises:
        UsageError: there is none, or it is damaged.
    """
    model = accuracy
    if not isinstance(model, AccuracyModel):
        model = read_accuracy_model(str(model))
    for doubt in model.doubts:
        logger.warning(f"Careful with {model.name!r}: {doubt}")
    return model


def space_at(accuracy: AccuracyModel, resolution: int | None) -> Space | None:
    """The only space of an accuracy model, or the one of that resolution; None if it has several.

    Raises:
        SpaceMismatch: it has none of that resolution, or the resolution is a gene there.
    """
    fitting = [
        space
        for space in accuracy.spaces
        if resolution is None or space.settings.get("resolution") == resolution
    ]
    if not fitting:
        known = ", ".join(space.label for space in accuracy.spaces)
        raise SpaceMismatch(
            f"accuracy model {accuracy.name!r} is of {known}, not of resolution {resolution}",
            accuracy.alternative,
        )
    if len(fitting) > 1:
        return None
    if len(fitting[0].members) > 1:
        raise SpaceMismatch(
            f"accuracy model {accuracy.name!r} is of {fitting[0].label}, and budgets are answered "
            "at one resolution",
            "Fit a model of one resolution (nassearch fit --resolution), or search them all at "
            "once: nassearch run.",
        )
    return fitting[0]


def deployment_of(
    cost: CostModel,
    accuracy: AccuracyModel,
    target: Target,
    *,
    resolution: int | None = None,
) -> Deployment:
    """The deployment of a cost model that was named.

    What the target does not say is as the cost model's provenance has it.

    Raises:
        SpaceMismatch: the models know no common space, or several.
        UsageError: no device has the name that the target gives.
    """
    return _deployment(cost, accuracy, target, space_at(accuracy, resolution))


def _deployment(
    cost: CostModel, accuracy: AccuracyModel, target: Target, space: Space | None
) -> Deployment:
    trade_off = TradeOff.of(accuracy, cost, space)
    backend = backend_of(cost, target)
    if backend is None:
        return Deployment(trade_off, conditions_of(cost).device or "unknown")
    plan = plan_of(cost, trade_off.space, backend)
    changed = tuple(changes_at(cost, backend))
    return Deployment(trade_off, backend.profile.name, backend, plan, changed)


def own_deployment(
    accuracy: AccuracyModel,
    target: Target,
    *,
    resolution: int | None = None,
    precision: str = "fp32",
    clock: str | None = None,
    progress: BuildProgress | None = None,
) -> Deployment:
    """The deployment of the user's own table of a device, which is built first on this machine.

    Args:
        progress: told how far building the table has come.

    Raises:
        NasprofError: there is no table, and the device is elsewhere; with the command to run.
        SpaceMismatch: the accuracy model has several spaces and no resolution was named.
    """
    space = accuracy.space_of(space_at(accuracy, resolution))
    table = OwnTable(target, space, precision).read(clock, progress)
    return _deployment(table, accuracy, target, space)
