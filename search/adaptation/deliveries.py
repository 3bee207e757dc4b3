"""Networks of a transfer as files for an app."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from devices import Target
from nasprof.errors import UsageError
from nasprof.typing import JsonObject
from search.adaptation.result import TransferResult
from search.delivery.deliver import deliver
from search.delivery.delivery import Delivery
from search.delivery.request import DeliveryOptions, DeliveryProgress, DeliveryRequest
from search.runs.budgets import Budget
from spaces import Genes, Space, parse_arch
from supernets.checkpoint import read_card
from supernets.supernet import with_classes

FRONT, TRADE_OFF = "front", "trade-off"


@dataclass(frozen=True)
class Chosen:
    """A network that is to be delivered.

    Args:
        name: of its folder.
        network: of the front, see :attr:`TransferResult.front`.
    """

    name: str
    network: JsonObject


@dataclass(frozen=True)
class DeliveredNetworks:
    """How networks of a transfer are delivered.

    Args:
        choices: which: "front" for all of it, "trade-off" for those whose trade-off is
            outstanding, or a budget, the most accurate network within it: ``macs=2M``,
            ``latency@cpu=2ms``; a time alone is of the first latency.
        device: that latency is measured on; this machine's processor unless given.
        options: formats, precisions, training further and the like.
    """

    choices: Iterable[str]
    device: Target | str | None = None
    options: DeliveryOptions = field(default_factory=DeliveryOptions)


def chosen_networks(result: TransferResult, choices: Iterable[str]) -> list[Chosen]:
    """The networks that are meant, each once.

    Raises:
        UsageError: no network is within a budget, or it names no objective.
    """
    chosen: dict[str, Chosen] = {}
    for choice in choices:
        for one in _meant(result, choice):
            chosen.setdefault(repr(one.network["arch"]), one)
    return list(chosen.values())


def _meant(result: TransferResult, choice: str) -> list[Chosen]:
    if choice == FRONT:
        return [Chosen(f"front-{n}", one) for n, one in enumerate(result.front, 1)]
    if choice == TRADE_OFF:
        return [Chosen(f"trade-off-{n}", one) for n, one in enumerate(result.trade_off, 1)]
    name, value = result.budget(Budget.parse(choice))
    network = result.within({name: value})
    if network is None:
        least = min(one["values"][name] for one in result.front)
        raise UsageError(
            f"no network of the front is within {choice}: the least {name} is {least:.6g}",
            "Allow more.",
        )
    return [Chosen(choice.replace("/", "-"), network)]


def deliver_networks(
    result: TransferResult,
    wanted: DeliveredNetworks,
    folder: Path | str,
    *,
    progress: DeliveryProgress | None = None,
) -> dict[str, Delivery]:
    """Write networks of a transfer as files, each in a folder of its own.

    Of several data sets, each has the network with the weights that are for it, in a folder of its
    name within that of the network.

    Args:
        result: of a transfer.
        wanted: which networks, and how.
        folder: where their folders are made.
        progress: told how far the work has come.

    Returns:
        What was delivered, by the names of the folders.

    Raises:
        UsageError: no network is within a budget, or a folder holds something else.
        NasprofError: a file cannot be written, or not be run.

    >>> wanted = DeliveredNetworks(["trade-off", "latency@cpu=2ms"])
    >>> deliver_networks(result, wanted, "app")["trade-off-1"]  # doctest: +SKIP
    """
    # Recalibrated as in the search, networks are as accurate as it has found them.
    options = replace(wanted.options, recalibration=result.record["recalibration_images"])
    delivered = {}
    for one in chosen_networks(result, wanted.choices):
        for data, supernet in result.supernets.items():
            name = one.name if len(result.supernets) == 1 else f"{one.name}/{data}"
            request = DeliveryRequest(
                supernet=supernet,
                data=result.sources[data],
                arch=_with_classes_of(supernet, one.network["arch"]),
                output=Path(folder) / name,
                device=wanted.device,
                options=options,
            )
            delivered[name] = deliver(request, progress=progress)
    return delivered


def _with_classes_of(supernet: Path, arch: JsonObject) -> tuple[Space, Genes]:
    """An architecture for the images that a supernet was adapted to."""
    space, known = parse_arch(arch)
    card = read_card(supernet)
    own = space if card is None else with_classes(space, len(card.classes))
    return own, space.encode([known])[0]
