"""``nassearch train``: a generator for an accuracy model and a cost model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasprof.cli import json_option, print_json, setting_option, show_table
from search.commands.options import ModelRequest, trade_off_options
from search.commands.training_options import training_options

if TYPE_CHECKING:
    from search.pnag.settings import TrainingSettings


@click.command()
@trade_off_options
@click.option("--reward", help="What architectures earn: dominance, learnt, mnasnet, ...")
@setting_option("Any setting of the training, as JSON: --set knots=10.")
@training_options
@json_option
def train(
    request: ModelRequest,
    reward: str | None,
    settings: dict[str, Any],
    published: bool,
    output: Path | None,
    resume: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Train the generator that answers any budget on a device.

    nassearch generate answers by it from then on. With --by pnag it trains by itself.
    """
    from search.answers.request import TrainOptions
    from search.answers.train import train_generator
    from search.commands.progress import answer_progress

    given = settings if reward is None else {**settings, "reward": reward}
    chosen = _settings(given, published)
    with answer_progress() as progress:
        generator = train_generator(
            chosen,
            **request.arguments,
            output=output,
            options=TrainOptions(**request.details, seed=seed, resume=resume),
            progress=progress,
        )
    if as_json:
        print_json(generator.to_dict())
        return
    click.echo(generator.path)
    if "evaluator" in generator.provenance:
        _show_evaluator(generator.provenance["evaluator"])


def _show_evaluator(report: dict[str, Any]) -> None:
    """How well a learnt reward ranks architectures that it has not seen."""
    columns = [report[name] for name in ("budgets_ms", "kendall", "misranked")]
    rows = [
        (f"{budget_ms:.4g}", _number(kendall), _number(misranked))
        for budget_ms, kendall, misranked in zip(*columns, strict=True)
    ]
    notes = ["misranked: of pairs within and over the budget, scored the wrong way round"]
    show_table((">budget ms", ">Kendall", ">misranked"), rows, "Evaluator, unseen networks", notes)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _settings(given: dict[str, Any], published: bool) -> TrainingSettings:
    """The settings of a training: the defaults or the published ones, with changes.

    Raises:
        UsageError: a setting is unknown, or has a value it cannot have.
    """
    from search.pnag.settings import TrainingSettings

    if not published:
        return TrainingSettings.from_dict(given)
    return TrainingSettings.from_dict({**TrainingSettings.published().to_dict(), **given})
