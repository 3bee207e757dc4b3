"""Benchmarks in parts: a file ``NAME_PART.py`` each, with ``add_arguments`` and ``measure``."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path


def run_part(name: str, about: str) -> None:
    """Measure the part that the command line names.

    Args:
        name: what the files of all parts begin with; what has no ``measure`` is none of them.
        about: what all of them are, for ``--help``.
    """
    files = Path(__file__).parent.glob(f"{name}_*.py")
    parts = sorted(path.stem.removeprefix(f"{name}_") for path in files)
    parser = argparse.ArgumentParser(description=about)
    chosen = parser.add_subparsers(dest="part", required=True, metavar="PART")
    every = {part: import_module(f"{name}_{part}") for part in parts}
    modules = {part: module for part, module in every.items() if hasattr(module, "measure")}
    for part, module in modules.items():
        module.add_arguments(chosen.add_parser(part, help=module.__doc__))
    given = parser.parse_args()
    modules[given.part].measure(given)
