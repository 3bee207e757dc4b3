"""Data for tests; ``tests/data/README.md`` says where they come from."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "data"
PUBLISHED = DATA / "published"


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a published table."""
    with gzip.open(PUBLISHED / name, "rt", newline="") as stream:
        return list(csv.DictReader(stream))
