"""Work whose results are kept: done once, by several processes, and read ever after.

Kept under ``out/benchmarks/jobs``, by what the job says of itself. What a job is made of is not
part of that: empty the folder where the code that does the work has changed.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import Any

from nasprof.cli import say
from nasprof.files import write_atomic

KEPT = Path(__file__).resolve().parents[1] / "out/benchmarks/jobs"


@dataclass(frozen=True)
class Job(ABC):
    """Something to be done on a platform, all of whose fields are JSON."""

    platform: str
    seed: int

    @abstractmethod
    def run(self) -> dict[str, Any]:
        """Do it; the result as JSON."""

    @property
    def facts(self) -> dict[str, Any]:
        return {"job": type(self).__name__, **asdict(self)}

    def path(self, suffix: str) -> Path:
        """Where something of this job's is kept."""
        text = json.dumps(self.facts, sort_keys=True)
        return KEPT / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}{suffix}"

    @property
    def result(self) -> dict[str, Any]:
        """The result, done now if it never was."""
        path = self.path(".json")
        if not path.exists():
            KEPT.mkdir(parents=True, exist_ok=True)
            began = process_time()
            found = self.run()
            kept = {**self.facts, "cpu_s": process_time() - began, "result": found}
            write_atomic(path, json.dumps(kept).encode())
        return json.loads(path.read_text())["result"]


def results(jobs: Sequence[Job], processes: int) -> list[dict[str, Any]]:
    """The results of jobs in their order, those not kept yet done by so many processes."""
    missing = list(dict.fromkeys(job for job in jobs if not job.path(".json").exists()))
    if missing:
        spawned = get_context("spawn")
        with ProcessPoolExecutor(processes, spawned, initializer=_one_thread) as pool:
            futures = {pool.submit(_do, job): job for job in missing}
            for number, future in enumerate(as_completed(futures), 1):
                future.result()
                job = futures[future]
                say(f"{number} of {len(missing)}: {type(job).__name__} {job.platform} {job.seed}")
    return [job.result for job in jobs]


def _one_thread() -> None:
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)


def _do(job: Job) -> None:
    _ = job.result
