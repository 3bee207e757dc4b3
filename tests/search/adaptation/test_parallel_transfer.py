"""Two processes that ``torchrun`` has started adapt one supernet together."""

from __future__ import annotations

import json

import pytest
from small_transfers import write_source
from two_workers import run_script

from search.adaptation.transfer import LOG

WORKERS = """
import json, sys
from pathlib import Path
from small_transfers import small_transfer, told
from two_workers import work_together
from search import TransferProgress

folder = Path(sys.argv[1])


def stop(status):
    if status.step == 5:
        raise KeyboardInterrupt


for progress in (TransferProgress(training=stop), None):
    def work(rank):
        front = told(small_transfer(folder / "out", progress=progress))["front"]
        (folder / f"{rank}.json").write_text(json.dumps(front))

    work_together(work)
"""


@pytest.mark.no_cover
def test_two_processes_find_one_front_and_go_on_after_an_interruption(tmp_path):
    write_source(tmp_path / "S.safetensors")
    run_script(WORKERS, str(tmp_path))
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert first == second != []
    # One of them writes: what happened is there once.
    log = [json.loads(line) for line in (tmp_path / "out" / LOG).read_text().splitlines()]
    events = [line.get("event") for line in log]
    assert [events.count(event) for event in ("planned", "iteration", "finished")] == [1, 2, 1]
    evaluated = [
        (line["iteration"], *line["genes"]) for line in log if line.get("event") == "evaluated"
    ]
    assert len(set(evaluated)) == len(evaluated) == 6 + 9 + 3
