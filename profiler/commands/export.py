"""``nasprof export``: architectures as model files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import GreedyCommand, json_option, print_json, show_table
from nasprof.typing import JsonObject
from profiler.commands.options import arch_option, pixel_options, supernet_options

if TYPE_CHECKING:
    from nasprof.normalisation import Normalisation
    from supernets import SupernetWeights


@click.command(cls=GreedyCommand)
@arch_option("paths", required=True)
@click.option(
    "--format",
    "names",
    multiple=True,
    default=["onnx"],
    show_default=True,
    help="onnx, tflite or torch; may be given several times.",
)
@click.option("--precision", default="fp32", show_default=True, help="fp32, fp16 or int8.")
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="Checkpoint (.npz, .pth): the network's own, or an OFA supernet's, as it is. Random "
    "without this and --supernet.",
)
@click.option(
    "--calibration",
    type=click.Path(path_type=Path),
    help="Images for int8, some 100: .npy of shape (n, height, width, channels), normalised, or "
    "pixels as uint8 with --uint8-input. Random without, which costs accuracy.",
)
@supernet_options
@pixel_options
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all that is random.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out"),
    show_default=True,
    help="Folder to write to.",
)
@json_option
def export(
    paths: tuple[Path, ...],
    names: tuple[str, ...],
    precision: str,
    batch: int,
    weights: Path | None,
    calibration: Path | None,
    pixels: Normalisation | None,
    supernet: SupernetWeights | None,
    seed: int,
    output: Path,
    as_json: bool,
) -> None:
    """Write architectures as ONNX, TFLite or torch files."""
    import profiler
    from profiler.model_files.lowered import read_calibration

    samples = None if calibration is None else read_calibration(calibration)
    lowering = profiler.LoweringOptions(precision, batch, weights, samples, seed, pixels, supernet)
    exports = profiler.export(paths, names, output=output, lowering=lowering)
    if as_json:
        print_json(exports.to_dict())
    else:
        _show(exports.to_dict(), output)


def _show(written: list[JsonObject], folder: Path) -> None:
    rows = [
        (
            Path(item["path"]).name,
            f"{item['macs'] / 1e6:.1f}",
            f"{item['params'] / 1e6:.2f}",
            f"{item['size_bytes'] / 1e6:.2f}",
            "-" if item["drift"] is None else f"cosine {item['drift']['cosine']:.4f}",
        )
        for item in written
    ]
    columns = (f"file in {folder}", ">M MACs", ">M params", ">MB", "drift from fp32")
    show_table(columns, rows)
