"""``nasprof fit``: learn a cost model from networks that were measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nasprof.cli import GreedyCommand, json_option, print_json, say, show_table

if TYPE_CHECKING:
    from luts.learned import LearnedCostModel


class _Command(GreedyCommand):
    greedy = ("--measurements",)


@click.command(cls=_Command)
@click.option(
    "--measurements",
    "paths",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What nasprof measure --save wrote (.jsonl), one or more.",
)
@click.option(
    "--clock",
    type=click.Choice(["wall", "cpu"]),
    default="wall",
    show_default=True,
    help="The time to predict.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the folds."
)
@click.option(
    "-o", "--output", required=True, help="Cost model: a file (.json), or a name among your own."
)
@click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
@json_option
def fit(
    paths: tuple[Path, ...], clock: str, seed: int, output: str, overwrite: bool, as_json: bool
) -> None:
    """Learn to predict latency from measured networks.

    For devices where latency is no sum of blocks, such as GPUs at batch 1. Ridge, Huber,
    support-vector and boosted regression are compared by cross-validation and the most accurate
    is kept. At least 20 distinct networks are needed, 50 or more are better.
    """
    from profiler import fit_latency

    fitted = fit_latency(paths, clock=clock, seed=seed, output=output, overwrite=overwrite)
    if as_json:
        print_json(fitted.to_dict())
    else:
        _show(fitted.model)
    say(f"Written to {fitted.path}")


def _show(model: LearnedCostModel) -> None:
    rows = [
        (
            candidate.choice.estimator,
            candidate.choice.features,
            ", ".join(f"{name}={value:g}" for name, value in candidate.choice.parameters.items()),
            f"{candidate.mape:.2%}",
            f"{candidate.spearman:.3f}",
        )
        for candidate in model.candidates
    ]
    known = model.agreement
    upper = [f"{bound.factor:.3f} ({level:.0%})" for level, bound in model.bounds().items()]
    notes = [
        f"Chosen: {model.choice.estimator} on {model.choice.features}. On networks it was not "
        f"fitted on: MAPE {known.mape:.2%}, Spearman {known.spearman:.3f}, "
        f"worst {known.worst:.1%}.",
        f"Upper bounds, as multiples of the prediction: {', '.join(upper)}.",
    ]
    title = f"{model.name}: learned from {len(model.training)} networks, {model.clock} clock"
    show_table(("estimator", "features", "parameters", ">MAPE", ">Spearman"), rows, title, notes)
