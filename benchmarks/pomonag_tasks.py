"""Whether a predictor ranks networks better on data sets nobody has seen when it sees their images.

Triplets are those that come with this project (search/tasks/data); their images are drawn again,
which needs the same fonts (``nassearch pomonag tasks`` says what to install). ``mnist``,
``fashion-mnist`` and ``animal-mnist.npz`` are looked for in ``--folder``; benchmarks/nat_common.py
says where they come from. Features are kept in ``out/benchmarks/pomonag_tasks``.

For each encoder and three seeds, predictors learn from the meta-train tasks:

- *with images*: the order of cells depends on the task;
- *wrong images*: the same predictors, asked with the images of the next unseen task;
- *counts alone*: numbers of classes and of training images, and no image, in a row of its own;
- *blind to the task*: the same networks and settings with nothing of the task;
- *blind to the cell*: the level of a task alone. Within a task it ranks nothing: 0 by definition;
- *order on cifar100*: NAS-Bench-201's published accuracies; likewise the order by MACs.

Spearman's correlation with the measured accuracies is taken within each unseen task and averaged;
the difference of the first two has a 95 % interval, by 10,000 bootstrap samples of tasks (seeds
averaged first). *Pooled* is over all networks of all unseen tasks.

What chance does: in tasks whose networks were all trained twice, the correlation r between both
seeds. A predictor that knew every expected accuracy would reach about sqrt(r).

Run: python benchmarks/pomonag_tasks.py [--encoders pixels,efficientnet-lite0,supernet@FILE]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from common import PUBLISHED, RESULTS, report

from search.tasks.anchors import ANCHORS
from search.tasks.class_features import ClassFeatures
from search.tasks.encoders import DataSetEncoder, open_encoder
from search.tasks.files import MetaData, cell_space, read_meta_data, shipped_folder
from search.tasks.judging import measured, spearman, within_task
from search.tasks.learning import task_features
from search.tasks.parts import UNSEEN
from search.tasks.predictor import TaskPredictor
from search.tasks.predictor_training import PredictorSettings, fit_predictor

KEPT = Path(__file__).resolve().parents[1] / "out/benchmarks/pomonag_tasks"
SEEDS = 3
SAMPLES = 10_000


def features_of(data: MetaData, encoder: DataSetEncoder) -> dict[str, ClassFeatures]:
    """Features of every task, from those kept or by drawing the tasks again."""
    path = KEPT / f"{encoder.identity.replace(' ', '-')}.npz"
    if path.exists():
        with np.load(path) as kept:
            known = {name: kept[name] for name in kept.files}
    else:
        known = {}
        for name, task in data.tasks.items():
            one = task_features(task, encoder, data)
            known |= {f"{name}/means": one.means, f"{name}/spreads": one.spreads}
            known[f"{name}/shots"] = np.array(one.shots)
        KEPT.mkdir(parents=True, exist_ok=True)
        np.savez(path, **known)
    return {
        name: ClassFeatures(
            known[f"{name}/means"],
            known[f"{name}/spreads"],
            float(known[f"{name}/shots"]),
            encoder.identity,
        )
        for name in data.tasks
    }


def counts_alone(data: MetaData) -> dict[str, ClassFeatures]:
    """Features that tell the number of classes and of images and nothing else."""
    return {
        name: ClassFeatures(
            np.zeros((len(task.classes), 1)), np.zeros((len(task.classes), 1)), task.shots, "counts"
        )
        for name, task in data.tasks.items()
    }


def interval(differences: np.ndarray, rng: np.random.Generator) -> list[float]:
    """The mean's 95 % interval by bootstrap over tasks."""
    rows = rng.integers(0, len(differences), (SAMPLES, len(differences)))
    return np.quantile(differences[rows].mean(1), [0.025, 0.975]).round(4).tolist()


def pooled(data: MetaData, tasks: list[str], predict: Callable[[str, np.ndarray], Any]) -> float:
    """Spearman over all networks of all tasks."""
    pairs = [
        (predict(task, genes), top1) for task in tasks for genes, top1 in [measured(data, task)]
    ]
    return spearman(*(np.concatenate(column) for column in zip(*pairs, strict=True)))


class Judged:
    """Predictors of one encoder on unseen tasks.

    Args:
        data: tasks and triplets.
        tasks: unseen ones.
        features: of every task.
    """

    def __init__(
        self, data: MetaData, tasks: list[str], features: Mapping[str, ClassFeatures]
    ) -> None:
        self.data, self.tasks, self.features = data, tasks, features

    def order(self, predictor: TaskPredictor) -> np.ndarray:
        """Spearman within each task."""
        return within_task(
            self.data, self.tasks, lambda t, genes: predictor.order_of(self.features[t], genes)
        )

    def next(self, task: str) -> str:
        """The unseen task after one, in the order of their names."""
        return self.tasks[(self.tasks.index(task) + 1) % len(self.tasks)]

    def by_source(self, values: np.ndarray) -> dict[str, float]:
        """Means over the tasks of each source."""
        sources = np.array([self.data.tasks[task].source for task in self.tasks])
        return {one: round(float(values[sources == one].mean()), 4) for one in np.unique(sources)}

    def seed(self, seed: int) -> dict[str, Any]:
        """Both predictors of a seed: within tasks and pooled, and what they cost."""
        begun = time.process_time()
        seeing = fit_predictor(self.data, self.features, seed=seed)
        cpu_s = time.process_time() - begun
        blind = fit_predictor(self.data, self.features, PredictorSettings(blind=True), seed)
        mean = np.mean([seeing.level_of(self.features[task])[0] for task in self.tasks])
        guesses = {
            "with images": lambda t, g: seeing.top1(self.features[t], g),
            "blind to the task": lambda t, g: mean + 10 * blind.order_of(self.features[t], g),
            "blind to the cell": lambda t, g: np.full(len(g), seeing.level_of(self.features[t])[0]),
        }
        return {
            "seeing": self.order(seeing),
            "wrong": within_task(
                self.data, self.tasks, lambda t, g: seeing.order_of(self.features[self.next(t)], g)
            ),
            "blind": self.order(blind),
            "pooled": {name: pooled(self.data, self.tasks, f) for name, f in guesses.items()},
            "cpu_s": cpu_s,
        }

    def summary(self) -> dict[str, Any]:
        """All seeds, and the interval of what seeing images gains."""
        runs = [self.seed(seed) for seed in range(SEEDS)]
        seeing = np.array([run["seeing"] for run in runs])
        blind = np.array([run["blind"] for run in runs])
        gains = (seeing - blind).mean(0)
        rng = np.random.default_rng(0)
        names = runs[0]["pooled"]
        return {
            "with_images": stated(seeing.mean(1)),
            "wrong_images": stated(np.array([run["wrong"].mean() for run in runs])),
            "blind_to_task": stated(blind.mean(1)),
            "gain": round(float(gains.mean()), 4),
            "gain_interval": interval(gains, rng),
            "gain_by_source": self.by_source(gains),
            "gain_by_task": dict(zip(self.tasks, gains.round(4).tolist(), strict=True)),
            "with_images_by_task": dict(
                zip(self.tasks, seeing.mean(0).round(4).tolist(), strict=True)
            ),
            "pooled": {n: stated(np.array([run["pooled"][n] for run in runs])) for n in names},
            "cpu_s_of_fitting": round(float(np.mean([run["cpu_s"] for run in runs])), 2),
        }


def stated(values: np.ndarray) -> dict[str, float]:
    """Mean and its standard error over seeds."""
    error = values.std(ddof=1) / len(values) ** 0.5
    return {"mean": round(float(values.mean()), 4), "error": round(float(error), 4)}


def rivals(data: MetaData, tasks: list[str]) -> dict[str, Any]:
    """Orders that know nothing of tasks."""
    table = pd.read_csv(PUBLISHED / "nats-bench/nb201_test_acc_200ep.csv.gz")
    space = cell_space()
    orders: dict[str, Callable[[str, Any], Any]] = {
        name: lambda t, genes, name=name: table[name].to_numpy()[space.index(genes)]
        for name in ("cifar10", "cifar100", "imagenet16")
    }
    orders["macs"] = lambda t, genes: space.macs(genes).astype(np.float64)
    found = {}
    for name, predict in orders.items():
        values = within_task(data, tasks, predict)
        low, high = interval(values, np.random.default_rng(0))
        found[name] = {"mean": round(float(values.mean()), 4), "interval": [low, high]}
    return found


def chance(data: MetaData, tasks: list[str]) -> dict[str, Any]:
    """What a second seed does to orders, and another task to that of the anchors."""
    twice = [task for task in tasks if len({t.seed for t in data.of(task)}) == 2]
    values = np.array(
        [spearman(measured(data, task)[1], measured(data, task, 1)[1]) for task in twice]
    )
    anchors = len(ANCHORS)
    firsts = {task: measured(data, task)[1][:anchors] for task in data.tasks}
    seeds = [spearman(firsts[task], measured(data, task, 1)[1][:anchors]) for task in twice]
    across = [spearman(firsts[one], firsts[other]) for one, other in combinations(twice, 2)]
    r = float(values.mean())
    return {
        "tasks": len(twice),
        "two_seeds": round(r, 4),
        "interval": interval(values, np.random.default_rng(0)),
        "ceiling": round(r**0.5, 4),
        "by_task": dict(zip(twice, values.round(3).tolist(), strict=True)),
        "anchors_two_seeds": round(float(np.mean(seeds)), 4),
        "anchors_two_tasks": round(float(np.mean(across)), 4),
    }


def draw(found: Mapping[str, Any], known: Mapping[str, Any], noise: Mapping[str, Any]) -> None:
    """Within-task Spearman of every predictor, as a picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    labels = [name.replace("-lite0", "\nlite0").replace(" ", "\n") for name in found]
    values = [one["with_images"]["mean"] for one in found.values()]
    first = next(iter(found.values()))
    labels += ["blind to\nthe task", *(f"order on\n{name}" for name in ("cifar100", "macs"))]
    values += [first["blind_to_task"]["mean"], known["cifar100"]["mean"], known["macs"]["mean"]]
    axes.bar(range(len(values)), values, color=["C0"] * len(found) + ["C1", "C7", "C7"])
    axes.axhline(noise["two_seeds"], color="k", ls=":", label="another seed of the same networks")
    axes.axhline(noise["ceiling"], color="k", ls="--", label="expected accuracies (estimate)")
    axes.set_xticks(range(len(values)), labels, fontsize=8)
    axes.set_ylabel("Spearman within unseen tasks")
    axes.set_ylim(0, 0.9)
    axes.legend(fontsize=8, loc="upper right")
    figure.savefig(RESULTS / "pomonag_tasks.png", dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--encoders", default="pixels,efficientnet-lite0")
    parser.add_argument("--folder", type=Path, default=KEPT, help="where data sets are")
    parser.add_argument("--triplets", type=Path, default=shipped_folder())
    options = parser.parse_args()
    data = read_meta_data(options.triplets.resolve())
    encoders = {name.split("@")[0]: open_encoder(name) for name in options.encoders.split(",")}
    os.chdir(options.folder)
    tasks = sorted(name for name, task in data.tasks.items() if task.part == UNSEEN)
    noise, known = chance(data, tasks), rivals(data, tasks)
    found = {}
    for name, encoder in encoders.items():
        found[name] = Judged(data, tasks, features_of(data, encoder)).summary()
    found["counts alone"] = Judged(data, tasks, counts_alone(data)).summary()
    rows = []
    for name, one in found.items():
        low, high = one["gain_interval"]
        gain = f"{one['gain']:+.4f} ({low:+.4f} to {high:+.4f})"
        means = [one[each]["mean"] for each in ("with_images", "wrong_images", "blind_to_task")]
        rows.append((name, *means, gain, *(each["mean"] for each in one["pooled"].values())))
    columns = (
        "encoder",
        "with images",
        "wrong",
        "blind",
        "gain",
        "pooled",
        "blind task",
        "blind cell",
    )
    report(
        "pomonag_tasks",
        columns,
        rows,
        unseen=len(tasks),
        meta_train=len(data.tasks) - len(tasks),
        triplets=len(data.triplets),
        encoders=found,
        orders=known,
        chance=noise,
    )
    print(known, {k: v for k, v in noise.items() if k != "by_task"}, sep="\n")
    draw(found, known, noise)


if __name__ == "__main__":
    main()
