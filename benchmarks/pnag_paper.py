"""The comparisons of PNAG's paper, repeated: Guo et al. 2022, Tables 2 to 5, Figures 4 and 5.

Everything is judged against the best front known (``platforms.py``), on the models' predictions.
"share" is of its hypervolume, by raw samples of the policy alone or by all answers, which also
have what training has met and are polished; the mean over seeds, the worst in brackets. "short"
is points of top-1 below the best known, by the best of 64 samples or the first answer, at 20
budgets that training never saw; the mean, and the most in brackets, over those that were met.

Needs the published data beside the repository. Trainings are kept in out/benchmarks/jobs, so that
a second run is quick; ``cost`` keeps nothing, since it is timed: run it alone on an idle machine.

Run: python benchmarks/pnag_paper.py [--only SECTION ...] [--processes 2]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from common import RESULTS, report
from jobs import results
from platforms import PLATFORMS, best_known
from pnag_cost import cost
from pnag_jobs import SAMPLES, answer_values, dense_budgets, policy_values
from pnag_joint import joint
from pnag_trainings import COMPARED, MEASURES, ablation, knots, measures, rewards, training

from search.pnag.settings import TrainingSettings

BUDGETS, DRAWN = 5, 1000
"""Of the histograms: budgets, and samples for each."""


def fronts(options: argparse.Namespace) -> None:
    """Figure 4: the best known front, the policy's and the answers'."""
    from pnag_pictures import draw_fronts

    jobs = [training(name, 0, options, {}) for name in PLATFORMS]
    found = results(jobs, options.processes)
    drawn = {}
    for job in jobs:
        name, dense = job.platform, dense_budgets(job.platform)
        drawn[name] = {
            "best known": best_known(name),
            "policy": policy_values(name, job.generator, dense, SAMPLES).reshape(-1, 2),
            "answers": np.concatenate(answer_values(name, job.generator, dense)),
        }
    draw_fronts(drawn, RESULTS / "pnag_paper_fronts.png")
    rows = [[job.platform, *measures([trial])] for job, trial in zip(jobs, found, strict=True)]
    settings = jobs[0].trained_with.to_dict()
    report("pnag_paper_fronts", ["platform", *MEASURES], rows, settings=settings)


def histograms(options: argparse.Namespace) -> None:
    """Figure 5: latencies of raw samples under several budgets."""
    from pnag_pictures import draw_histograms

    jobs = {name: training(name, 0, options, {}) for name in COMPARED}
    results(list(jobs.values()), options.processes)
    budgets = {name: _budgets(name) for name in COMPARED}
    drawn = {
        name: policy_values(name, job.generator, budgets[name], DRAWN)[:, :, 1]
        for name, job in jobs.items()
    }
    draw_histograms(drawn, budgets, RESULTS / "pnag_paper_histograms.png")
    rows = [
        [name, f"{limit:.2f}", f"{(each <= limit).mean():.3f}", f"{np.median(each):.2f}"]
        for name in COMPARED
        for each, limit in zip(drawn[name], budgets[name], strict=True)
    ]
    columns = ["platform", "budget ms", "within", "median ms"]
    report("pnag_paper_histograms", columns, rows, samples=DRAWN)


def _budgets(name: str) -> list[float]:
    """Spread over the best known front: beyond its end every budget is the same."""
    first, last = best_known(name)[[0, -1], 1]
    return np.linspace(first, last, 2 * BUDGETS + 1)[1::2].tolist()


SECTIONS: dict[str, Callable[[argparse.Namespace], None]] = {
    "fronts": fronts,
    "histograms": histograms,
    "rewards": rewards,
    "joint": joint,
    "knots": knots,
    "ablation": ablation,
    "cost": cost,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=SECTIONS, nargs="+", default=list(SECTIONS))
    parser.add_argument("--steps", type=int, default=TrainingSettings().steps)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    for name in PLATFORMS:
        best_known(name)
    for section in options.only:
        SECTIONS[section](options)


if __name__ == "__main__":
    main()
