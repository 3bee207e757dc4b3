"""A delivery: what its card and its command tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nasprof import __version__
from nasprof.results import Records
from nasprof.typing import JsonObject
from search.delivery.files import DeliveredFile
from search.delivery.network import TrainedNetwork
from search.delivery.snippets import CalledFile

SCHEMA = 1


class Delivery(Records[DeliveredFile]):
    """A network with weights, as files: a sequence of them.

    Args:
        network: what was delivered.
        files: in the order of formats and precisions.
        request: what tells this delivery from others in the same folder.
        time: when it was made, UTC in ISO 8601.
    """

    def __init__(
        self,
        network: TrainedNetwork,
        files: Sequence[DeliveredFile],
        request: JsonObject,
        time: str,
    ) -> None:
        super().__init__(files)
        self.network = network
        self.request = request
        self.time = time

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the outputs."""
        return self.network.card.classes

    def at(self, folder: Path) -> Delivery:
        """The same with its files in another folder."""
        files = [
            replace(file, written=replace(file.written, path=folder / file.name)) for file in self
        ]
        return Delivery(self.network, files, self.request, self.time)

    def called(self, file: DeliveredFile) -> CalledFile:
        """What a program has to know to call a file."""
        normalisation = self.network.card.normalisation
        return CalledFile(
            name=file.name,
            format=file.written.format,
            image_shape=self.network.data.image_shape,
            mean=normalisation.mean,
            std=normalisation.std,
            raw=file.written.pixels is not None,
        )

    def rows(self) -> list[JsonObject]:
        """A flat row a file."""
        nested = ("by_class", "on_device", "latency")
        return [
            {name: value for name, value in file.to_dict().items() if name not in nested}
            for file in self
        ]

    def to_dict(self) -> JsonObject:  # type: ignore[override]  # as the command prints it
        """As JSON: what the command prints and ``card.json`` holds."""
        network, card = self.network, self.network.card
        return {
            "schema": SCHEMA,
            "arch": network.arch.arch,
            "files": [{**file.to_dict(), "input": self.called(file).input} for file in self],
            "labels": list(self.labels),
            "normalisation": card.normalisation.to_dict(),
            "image_shape": list(network.data.image_shape),
            "macs": network.subnet.network.macs,
            "params": network.subnet.network.params,
            "torch": {**network.accuracy.to_dict(), "recalibrated_on": network.recalibrated_on},
            "fine_tuning": network.tuned,
            "supernet": {
                "space": card.space.settings,
                "weights": network.source.digest,
                "recipe": card.recipe,
                "data": card.data,
            },
            "data": network.source.facts,
            "request": self.request,
            "time": self.time,
            "nasprof": __version__,
        }
