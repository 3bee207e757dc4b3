"""``nassearch pomonag train``: a generator for many objectives."""

from __future__ import annotations

from pathlib import Path
from time import process_time
from typing import Any

import click

from nasprof.cli import json_option, print_json, setting_option
from search.commands.options import ModelRequest, NameList, trade_off_options
from search.commands.training_options import training_options


@click.command()
@trade_off_options
@click.option(
    "--objectives",
    type=NameList(),
    help="What samples are wanted for: top1 and latency, and others as of nassearch run "
    "[default: top1,latency,params,macs].",
)
@setting_option("Any setting of the training, as JSON: --set measured=1000.")
@training_options
@json_option
def train(
    request: ModelRequest,
    objectives: tuple[str, ...] | None,
    settings: dict[str, Any],
    published: bool,
    output: Path | None,
    resume: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Train the diffusion that samples architectures for many objectives.

    nassearch generate --by pomonag and nassearch pomonag generate do this by themselves, with the
    defaults.
    """
    from search.answers.pomonag import train_pomonag
    from search.answers.request import TrainOptions
    from search.commands.progress import answer_progress
    from search.pomonag.settings import PomonagSettings

    given = settings if objectives is None else {**settings, "objectives": ",".join(objectives)}
    began = process_time()
    with answer_progress() as progress:
        generator = train_pomonag(
            PomonagSettings.published(**given) if published else PomonagSettings.of(given),
            **request.arguments,
            output=output,
            options=TrainOptions(**request.details, seed=seed, resume=resume),
            progress=progress,
        )
    if as_json:
        print_json({"cpu_s": process_time() - began, **generator.to_dict()})
    else:
        click.echo(generator.path)
