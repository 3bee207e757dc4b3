"""From a supernet to files for an app."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from devices import Target
from nasprof.files import write_together
from nasprof.typing import JsonObject
from search.delivery.card import card_text
from search.delivery.delivery import Delivery
from search.delivery.files import evaluated, timed, write_files
from search.delivery.folder import CARD, LABELS, READABLE, delivery_folder, require_writable
from search.delivery.network import Source, chosen_arch, trained_network
from search.delivery.request import DeliveryOptions, DeliveryProgress, DeliveryRequest


def deliver(request: DeliveryRequest, *, progress: DeliveryProgress | None = None) -> Delivery:
    """A network of a supernet as files for an app, with their accuracy and latency.

    The network is cut out of the supernet, trained further if asked for, its batch norm
    recalibrated, and written in every format at every precision; each file is run on all test
    images and timed. Beside the files lie ``labels.txt``, ``card.json`` and ``card.md``. The folder
    gets all of them or none.

    Args:
        request: which network, from which supernet and images, written how and where.
        progress: told how far the work has come.

    Returns:
        The files with what is known of each.

    Raises:
        UsageError: supernet, images and architecture do not fit, no network is within the budget,
            or the folder holds something else.
        NasprofError: a file cannot be written, or not be run on this machine.

    >>> from search import DeliveryOptions
    >>> from spaces import get_space
    >>> from supernets import Supernet, SupernetCard, read_data, write_supernet
    >>> space = get_space("nasbench201", classes=10, cells=1, resolution=8)
    >>> data, supernet = read_data("digits", (8, 8, 3)), Supernet(space)
    >>> card = SupernetCard(space, data.classes, data.normalisation)
    >>> write_supernet(Path("S.safetensors"), supernet, card)  # one that was trained, rather
    >>> options = DeliveryOptions("onnx", protocol="quick:rounds=2,runs=1")
    >>> arch = (space, supernet.largest)
    >>> delivery = deliver(DeliveryRequest("S.safetensors", data, arch, "app", options=options))
    >>> [(file.name, file.here.agreement) for file in delivery]
    [('arch0.onnx', 100.0)]
    """
    progress = progress or DeliveryProgress()
    target, options, folder = Target.of(request.device), request.options, Path(request.output)
    require_writable(folder)
    source = Source.of(request, chosen_arch(request, progress))
    identity = _identity(source, options)
    with delivery_folder(folder, identity) as scratch:
        network = trained_network(source, options, progress)
        written = write_files(network, options, scratch)
        files = evaluated(written, network, target, progress.accuracy)
        files = timed(files, network, target, options, progress)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        delivery = Delivery(network, files, identity, now).at(folder)
        _write_cards(delivery, scratch)
    return delivery


def _identity(source: Source, options: DeliveryOptions) -> JsonObject:
    """What a delivery depends on, but for machine and time."""
    return {
        "arch": source.arch.arch,
        "weights": source.digest,
        "data": source.data.fingerprint,
        "options": options.to_dict(),
    }


def _write_cards(delivery: Delivery, folder: Path) -> None:
    labels = "".join(" ".join(name.split()) + "\n" for name in delivery.labels)
    card = json.dumps(delivery.to_dict(), indent=1, allow_nan=False) + "\n"
    texts = {LABELS: labels, CARD: card, READABLE: card_text(delivery)}
    write_together({folder / name: text.encode() for name, text in texts.items()})
