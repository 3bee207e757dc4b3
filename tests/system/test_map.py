"""The map of the house leads to places that there are."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_path_of_the_map_is_there():
    text = (ROOT / "docs" / "where.md").read_text()
    paths = re.findall(r"`([\w/]+(?:/|\.\w+))`", text)
    assert len(paths) > 50
    assert not [path for path in paths if not (ROOT / path).exists()]
