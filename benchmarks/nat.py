"""Supernets adapted to other images while they are searched: python benchmarks/nat.py PART.

Each part is a file ``nat_PART.py``, prints one table and writes JSON. What was done is kept under
``out/benchmarks/nat`` and gone on with; ``nat_common.py`` says where the images come from.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

PARTS = sorted(
    path.stem.removeprefix("nat_")
    for path in Path(__file__).parent.glob("nat_*.py")
    if path.stem != "nat_common"
)


def main() -> None:
    """Measure one part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    modules = {part: import_module(f"nat_{part}") for part in PARTS}
    for part, module in modules.items():
        module.add_arguments(parts.add_parser(part, help=module.__doc__))
    given = parser.parse_args()
    modules[given.part].measure(given)


if __name__ == "__main__":
    main()
