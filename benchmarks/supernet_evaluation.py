"""Recalibrating and evaluating networks on 5,000 images, CPU s; and workers beside each other."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from common import report
from supernet_common import checkpoint, demo_space, fashion, middle_network

from search.executors import open_executor
from search.objectives.images import LabelledImages
from search.objectives.supernet_accuracy import SupernetFile
from search.runs.evaluated_rows import evaluated_rows, rows_problem
from spaces import Genes
from supernets import Evaluator, Subnet, Supernet, SupernetCard, write_supernet

IMAGES, ROUNDS = 5000, 7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which weights, and how much is done by the workers."""
    parser.add_argument(
        "--supernet", type=Path, help="that of the 150 s training, where there is one"
    )
    parser.add_argument("--networks", type=int, default=24, help="that workers evaluate; 0: none")


def measure(given: argparse.Namespace) -> None:
    """CPU seconds of three networks by turns; then networks a second by one and two workers."""
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        path = given.supernet or checkpoint(150, 0)
        trained = path.exists()
        path = path if trained else untrained(Path(folder))
        file = SupernetFile.read(path)
        rows, ratio = evaluations(file, trained)
        speeds = throughputs(file, given.networks) if given.networks else {}
    for workers, speed in speeds.items():
        rows.append([f"{workers} workers", f"{1 / speed:.2f} s of wall clock each", "", "", "", ""])
    facts = {"supernet": path.name if trained else "random weights", "folded": ratio}
    if speeds:
        facts["speedup"] = speeds[2] / speeds[1]
        print(f"Two workers do {facts['speedup']:.2f} times as much as one.")
    print(f"With batch norm folded a network takes {ratio:.2f} of the time.")
    columns = ("network", "CPU s", "of them recalibration", "goal", "top-1 %", "not recalibrated")
    report("supernet_evaluation", columns, rows, images=IMAGES, **facts)


def untrained(folder: Path) -> Path:
    """A supernet of random weights, which takes as long as any other."""
    data, space = fashion(), demo_space()
    path = folder / "random.safetensors"
    card = SupernetCard(space, data.classes, data.normalisation, data=data.facts())
    write_supernet(path, Supernet(space), card)
    return path


def evaluations(file: SupernetFile, trained: bool) -> tuple[list[list[str]], float]:
    """A row a network, and the time with batch norm folded as a share of that without."""
    data, supernet = fashion(), file.supernet
    test = replace(data.test, labels=data.test.labels[:IMAGES], rows=data.test.rows[:IMAGES])
    evaluator = Evaluator(supernet, file.card, replace(data, test=test))
    networks = {
        "smallest": supernet.smallest,
        "middle": middle_network(supernet.space),
        "largest": supernet.largest,
    }
    evaluator.evaluate(networks["middle"])
    found = {name: [] for name in networks}
    ratios = []
    for _ in range(ROUNDS):
        for name, genes in networks.items():
            found[name].append(evaluator.evaluate(genes))
        ratios.append(_ratio(evaluator, networks["middle"]))
    rows = []
    for name, rounds in found.items():
        last, spent = rounds[-1], np.median([each.cpu_s for each in rounds])
        recalibration = np.median([each.recalibration_cpu_s for each in rounds])
        inherited = evaluator.inherited(networks[name]).top1
        accuracies = [f"{last.accuracy.top1:.2f}", f"{inherited:.2f}"] if trained else ["", ""]
        goal = "1.7" if name == "middle" else ""
        rows.append([name, f"{spent:.2f}", f"{recalibration:.2f}", goal, *accuracies])
    return rows, float(np.median(ratios))


def _ratio(evaluator: Evaluator, genes: Genes) -> float:
    """The time of classifying with batch norm folded as a share of that without."""
    subnet = evaluator.recalibrated(genes)

    def spent(network: Any) -> float:
        start = time.process_time()
        evaluator.logits(network)
        return time.process_time() - start

    return spent(subnet) / spent(_Apart(subnet))


@dataclass(frozen=True)
class _Apart:
    """A network whose batch norm is not folded."""

    subnet: Subnet

    def folded(self) -> Subnet:
        return self.subnet


def throughputs(file: SupernetFile, count: int) -> dict[int, float]:
    """Networks a second on the validation images, by so many workers, which have begun."""
    evaluator = file.evaluator(LabelledImages("fashion-mnist"), file.card.space)
    problem = rows_problem(evaluator, len(file.card.classes), inherited=False)
    genes = file.card.space.sample(count, np.random.default_rng(3))
    names = [f"random{number}" for number in range(count)]
    speeds = {}
    for workers in (1, 2):
        with open_executor("processes", problem, workers=workers) as executor:
            list(evaluated_rows(executor, genes[: 2 * workers], names))
            start = time.perf_counter()
            list(evaluated_rows(executor, genes, names))
            spent = time.perf_counter() - start
        speeds[workers] = count / spent
    return speeds
