"""``nassearch deliver``: a network with weights as files for an app."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, print_json, show_table
from profiler.commands.options import Milliseconds
from profiler.commands.target import target_options
from search.commands.options import NameList, answer_options, verify_options

if TYPE_CHECKING:
    from devices import Target
    from search.delivery.delivery import Delivery
    from search.delivery.files import DeliveredFile
    from search.delivery.request import BudgetRequest, DeliveryOptions
    from supernets import FineTuning

_OF_BUDGETS = (
    *("lut", "accuracy", "resolution", "verify"),
    *("by", "generator", "confidence", "samples", "polish", "speed"),
)


@click.command()
@click.option(
    "--supernet",
    required=True,
    type=click.Path(path_type=Path),
    help="Weights: a supernet's .safetensors, or a checkpoint of Once-for-All (.pth).",
)
@click.option(
    "--data", required=True, help="Labelled images: a folder, a file, or a name (digits)."
)
@click.option("--arch", type=click.Path(path_type=Path), help="Architecture file.")
@click.option("--budget", type=Milliseconds(), help="Latency allowed, instead of --arch: 12ms.")
@click.option("--lut", help="Cost model for --budget; your own table of the device unless given.")
@click.option(
    "--accuracy",
    help="Accuracy model for --budget; unless given, networks of the supernet are evaluated to "
    "learn from (of Once-for-All's checkpoints: imagenet).",
)
@click.option("--resolution", type=int, help="Input pixels for --budget; the supernet's without.")
@answer_options
@verify_options
@click.option(
    "--precision",
    "precisions",
    type=NameList(),
    default="fp32",
    show_default=True,
    help="Of the files: fp32,fp16,int8.",
)
@click.option(
    "--format",
    "formats",
    type=NameList(),
    default="onnx,tflite",
    show_default=True,
    help="Of the files.",
)
@click.option("--uint8-input", is_flag=True, help="Files take raw pixels and normalise them.")
@click.option(
    "--calibration",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Training images that set the ranges of int8.",
)
@click.option(
    "--recalibration",
    type=click.IntRange(2),
    default=500,
    show_default=True,
    help="Training images that the batch norm is recalibrated on.",
)
@click.option("--fine-tune", "epochs", type=click.IntRange(1), help="Epochs of training it alone.")
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, min_open=True),
    help="The highest of --fine-tune.  [0.001]",
)
@click.option(
    "--distillation",
    type=click.FloatRange(0, 1),
    help="Weight of the largest network's labels in --fine-tune.  [0.5]",
)
@click.option("--protocol", help="How latency is measured; the device's own unless given.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@target_options()
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the files.",
)
@json_option
def deliver(
    supernet: Path,
    data: str,
    arch: Path | None,
    budget: float | None,
    target: Target,
    output: Path,
    as_json: bool,
    **others: Any,
) -> None:
    """Write a network of a supernet as files for an app, with a card.

    It is cut out, its batch norm recalibrated, and written as ONNX and TFLite; the accuracy of
    each file is measured by running it on the test images, its latency by timing it.
    """
    from search.commands.progress import delivery_progress
    from search.delivery.deliver import deliver
    from search.delivery.request import DeliveryOptions, DeliveryRequest

    if (arch is None) == (budget is None):
        raise click.UsageError("Give either --arch or --budget.")
    about = {name: others.pop(name) for name in _OF_BUDGETS}
    options = DeliveryOptions(fine_tuning=_fine_tuning(others), **others)
    network = arch if budget is None else _budget(budget, supernet, options, **about)
    with delivery_progress() as progress:
        delivery = deliver(
            DeliveryRequest(supernet, data, network, output, target, options),  # type: ignore[arg-type]
            progress=progress,
        )
    if as_json:
        print_json(delivery.to_dict())
    else:
        _show(delivery, output)


def _fine_tuning(options: dict[str, Any]) -> FineTuning | None:
    """How the network is trained further; the options of that are taken out of all others."""
    from supernets import FineTuning

    names = ("epochs", "learning_rate", "distillation")
    settings = {name: value for name in names if (value := options.pop(name)) is not None}
    if settings and "epochs" not in settings:
        raise click.UsageError("--learning-rate and --distillation are of --fine-tune EPOCHS.")
    return FineTuning(**settings, seed=options["seed"]) if settings else None


def _budget(
    budget: float,
    supernet: Path,
    options: DeliveryOptions,
    *,
    lut: str | None,
    accuracy: str | None,
    resolution: int | None,
    verify: bool | None,
    **answering: Any,
) -> BudgetRequest:
    """A network within a budget; it sees images of the supernet's size unless told otherwise."""
    from search.answers.request import GenerateOptions
    from search.delivery.request import BudgetRequest
    from supernets.checkpoint import read_card

    card = read_card(supernet)
    if resolution is None and card is not None:
        resolution = card.space.settings.get("resolution")
    precision = options.precisions[0] if lut is None else None  # a named table says it itself
    asking = GenerateOptions(resolution, precision, seed=options.seed, **answering)
    return BudgetRequest(budget, lut, accuracy, verify, asking)


def _show(delivery: Delivery, folder: Path) -> None:
    elsewhere = any(file.there or file.there_error for file in delivery)
    columns = [f"file in {folder}", ">MB", ">top-1 %", ">95 % interval"]
    columns += [">on device %", ">ms"] if elsewhere else [">ms"]
    rows = [_row(file, elsewhere) for file in delivery]
    accuracy = delivery.network.accuracy
    notes = [
        f"on {accuracy.n:,} test images; {accuracy.top1:.2f} % in torch",
        f"card: {folder / 'card.md'}",
    ]
    show_table(columns, rows, notes=notes)


def _row(file: DeliveredFile, elsewhere: bool) -> list[str]:
    accuracy = file.here.accuracy
    on_device = "-" if file.there is None else f"{file.there.accuracy.top1:.2f}"
    return [
        file.name,
        f"{file.written.size_bytes / 1e6:.2f}",
        f"{accuracy.top1:.2f}",
        f"{accuracy.low:.2f} to {accuracy.high:.2f}",
        *([on_device] if elsewhere else []),
        "-" if file.latency_ms is None else f"{file.latency_ms:.3g}",
    ]
