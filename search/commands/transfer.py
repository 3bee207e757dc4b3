"""``nassearch transfer``: a supernet adapted to images while its networks are searched."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, print_json, setting_option
from nasprof.typing import JsonObject
from profiler.commands.target import target_options
from search.commands.options import NameList, executor_options

if TYPE_CHECKING:
    from devices import Target
    from search.adaptation.deliveries import DeliveredNetworks
    from search.adaptation.request import TransferOptions, TransferRequest
    from search.adaptation.result import TransferResult
    from search.delivery.delivery import Delivery

_TRANSFER = ("method", "preset", "seconds", "steps", "epochs", "seed", "recipe", "loaders")
_EXECUTOR = ("executor", "workers", "address")


@click.command()
@click.option(
    "--supernet",
    required=True,
    type=click.Path(path_type=Path),
    help="Weights to begin with: a supernet's .safetensors, or a checkpoint of Once-for-All.",
)
@click.option(
    "--data",
    "sources",
    required=True,
    multiple=True,
    help="Labelled images: a folder, a file, or a name; several for one search on all of them.",
)
@click.option(
    "--objectives",
    default="top1,macs",
    show_default=True,
    help="Separated by commas: top1, and any that nassearch run knows: macs, params, "
    "latency[@DEVICE], latency_measured[@DEVICE], size_bytes, peak_memory, ...",
)
@click.option("--lut", help="Cost model of a bare latency: a name or a file (.json).")
@click.option("--resolution", type=int, help="Input pixels; the supernet's unless given.")
@click.option("--space", "space_name", help="Space that is searched, or its file (.json).")
@target_options()
@click.option("--iterations", type=click.IntRange(1), help="Adaptations, each with a search.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="CPU time of everything.")
@click.option("--steps", type=click.IntRange(1), help="Updates of the weights, instead of a time.")
@click.option(
    "--epochs", type=click.FloatRange(0, min_open=True), help="Of each iteration, likewise."
)
@click.option(
    "--method", default="nat", show_default=True, help="nat, or what it is compared with."
)
@click.option("--preset", default="default", show_default=True, help="default or published.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@setting_option("Any other setting, as JSON: --set archive=48.")
@setting_option("A setting of the training: --recipe batch=128.", "--recipe", "recipe")
@executor_options
@click.option("--train-on", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@click.option("--loaders", type=click.IntRange(0, 256), default=0, help="Processes for images.")
@click.option(
    "--deliver",
    "choices",
    multiple=True,
    help="Write networks as files for an app: front, trade-off, or the best within a budget: "
    "macs=2M, latency@cpu=2ms.",
)
@click.option("--precision", "precisions", type=NameList(), default="fp32", help="Of these files.")
@click.option("--format", "formats", type=NameList(), default="onnx,tflite", help="Of these files.")
@click.option("--fine-tune", type=click.IntRange(1), help="Epochs of training each of them alone.")
@click.option("--protocol", help="How their latency is measured; the device's own unless given.")
@click.option("--resume/--fresh", default=True, help="Go on with what was left, or begin anew.")
@click.option("--plot", type=click.Path(path_type=Path), help="The fronts as PNG.")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder.",
)
@json_option
def transfer(target: Target, output: Path, plot: Path | None, as_json: bool, **others: Any) -> None:
    """Adapt a supernet to images of your own while its networks are searched.

    Interrupted, it is saved; the same command goes on. The folder gets the adapted supernet,
    which answers later budgets: nassearch deliver --supernet FOLDER/supernet.safetensors.
    """
    from search.adaptation.deliveries import chosen_networks, deliver_networks
    from search.adaptation.transfer import transfer
    from search.commands.progress import delivery_progress
    from search.commands.transfer_view import show_deliveries, show_transfer, transfer_progress

    request = _request(target, output, others)
    with transfer_progress() as progress:
        result = transfer(request, progress=progress)
    if plot is not None:
        from search.pictures.transfers import plot_transfer

        plot_transfer(result, plot)
    wanted = _wanted(target, others)
    chosen_networks(result, wanted.choices)  # all of them, before the first is delivered
    with delivery_progress() as delivering:
        delivered = deliver_networks(result, wanted, output / "delivered", progress=delivering)
    if as_json:
        print_json(_json(result, delivered))
        return
    show_transfer(result)
    show_deliveries(delivered, output / "delivered")


def _request(target: Target, output: Path, given: dict[str, Any]) -> TransferRequest:
    from profiler.commands.building import building_progress
    from search.adaptation.request import TransferRequest
    from search.objectives import Models
    from spaces import get_space

    space = given["space_name"]
    models = Models(
        target,
        lut=given["lut"],
        space=None if space is None else get_space(space),
        resolution=given["resolution"],
        progress=building_progress(),
    )
    return TransferRequest(
        supernet=given["supernet"],
        data=list(given["sources"]),
        output=output,
        objectives=given["objectives"],
        models=models,
        options=_options(given),
    )


def _options(given: dict[str, Any]) -> TransferOptions:
    from search.adaptation.request import TransferOptions

    iterations = {} if given["iterations"] is None else {"iterations": given["iterations"]}
    return TransferOptions(
        **{name: given[name] for name in (*_TRANSFER, *_EXECUTOR)},
        settings={**iterations, **given["settings"]},
        device=given["train_on"],
        fresh=not given["resume"],
        spent_s=time.process_time(),
    )


def _wanted(target: Target, given: dict[str, Any]) -> DeliveredNetworks:
    from search.adaptation.deliveries import DeliveredNetworks
    from search.delivery.request import DeliveryOptions
    from supernets import FineTuning

    epochs = given["fine_tune"]
    tuning = None if epochs is None else FineTuning(epochs=epochs, seed=given["seed"])
    options = DeliveryOptions(
        formats=given["formats"],
        precisions=given["precisions"],
        fine_tuning=tuning,
        protocol=given["protocol"],
        seed=given["seed"],
    )
    return DeliveredNetworks(given["choices"], target, options)


def _json(result: TransferResult, delivered: dict[str, Delivery]) -> JsonObject:
    files = {name: delivery.to_dict() for name, delivery in delivered.items()}
    return {**result.to_dict(), **({"delivered": files} if files else {})}
