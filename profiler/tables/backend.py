"""The device that a cost model is of: how it was measured there, and what is different now."""

from __future__ import annotations

from collections.abc import Sequence

from devices import Backend, Target
from luts import CostModel
from nasprof.errors import UsageError
from nasprof.log import logger
from profiler.measuring.protocol import parse_protocol
from profiler.tables.plan import Plan
from profiler.tables.provenance import conditions_of, protocol_of
from spaces import Space


def backend_of(model: CostModel, target: Target | str | None) -> Backend | None:
    """The device of a cost model; what the target does not say is as it was measured.

    None where no device has the name that the cost model tells.

    Raises:
        UsageError: no device has the name that the target gives.
    """
    target = Target.of(target)
    try:
        return target.resolve(conditions_of(model))
    except UsageError:
        if target.device is not None:
            raise
        return None


def changes_at(model: CostModel, backend: Backend) -> list[str]:
    """What is different from when a cost model was measured, in words.

    A device elsewhere is not contacted.
    """
    return conditions_of(model).differences(backend.conditions(contact=False))


def warn_of_changes(model: CostModel, changed: Sequence[str]) -> None:
    """Say where a cost model was measured otherwise than its device is now."""
    if changed:
        logger.warning(
            f"Careful with {model.name!r}: it was measured otherwise: {'; '.join(changed)}"
        )


def plan_of(model: CostModel, space: Space, backend: Backend) -> Plan:
    """How a cost model was measured, as far as it tells; else as its device's profile has it.

    Args:
        model: whose provenance tells.
        space: of the networks to be measured.
        backend: whose profile has the rest.
    """
    conditions = conditions_of(model)
    return Plan(
        (space,),
        protocol_of(model) or parse_protocol(backend.profile.table_protocol),
        precision=conditions.precision or "fp32",
        batch=conditions.batch or 1,
    )
