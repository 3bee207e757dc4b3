"""Supernets on real images: python benchmarks/supernet.py PART.

Each part is a file ``supernet_PART.py``, prints one table and writes JSON. Images are those of
Fashion-MNIST (Debian: apt install dataset-fashion-mnist).
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

PARTS = sorted(
    path.stem.removeprefix("supernet_")
    for path in Path(__file__).parent.glob("supernet_*.py")
    if path.stem != "supernet_common"
)


def main() -> None:
    """Measure one part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    modules = {part: import_module(f"supernet_{part}") for part in PARTS}
    for part, module in modules.items():
        module.add_arguments(parts.add_parser(part, help=module.__doc__))
    given = parser.parse_args()
    modules[given.part].measure(given)


if __name__ == "__main__":
    main()
