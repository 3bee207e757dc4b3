"""Damaged texts of devices and damaged answers of runners, as many as wanted.

The quick tests of ``tests/devices/test_device_text.py`` over more inputs and other seeds: each
has to be read as what it says, or to be refused by name. What fails is shown, with its text.

Run: python benchmarks/device_text.py [--inputs 100000] [--seed 1]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "devices"))

import test_device_text as tests
from mutations import damaged

SEEDED = (
    tests.test_facts,
    tests.test_states,
    tests.test_benchmarks,
    tests.test_rounds_of_benchmarks,
    tests.test_perf_tests,
    tests.test_answers_of_a_runner,
    tests.test_rounds_of_a_runner,
)
A_ROUND = 1000


class Inputs:
    """Damages texts in the place of the tests' own, and counts and times what comes of it."""

    def __init__(self) -> None:
        self.count = 0
        self.longest_s = 0.0

    def damaged(self, texts: tuple[str, ...], _: int, seed: int = 1) -> Iterator[str]:
        """As :func:`mutations.damaged`, but of another number."""
        for text in damaged(texts, A_ROUND, seed):
            start = time.perf_counter()
            yield text
            self.longest_s = max(self.longest_s, time.perf_counter() - start)
            self.count += 1


def main() -> None:
    """Run rounds of every test until there were enough inputs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    inputs = Inputs()
    tests.damaged = inputs.damaged
    seed = 1_000_000 * options.seed
    while inputs.count < options.inputs:
        for test in SEEDED:
            test(seed)
        seed += 1
    print(f"{inputs.count} inputs, 0 failures, the longest took {1e3 * inputs.longest_s:.0f} ms")


if __name__ == "__main__":
    main()
