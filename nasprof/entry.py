"""Where a command's process begins: nothing that takes time is imported before Ctrl-C is heeded."""

from __future__ import annotations

import sys


def run(module: str) -> None:
    """Import the module of a command and run its ``main``, which ends this process."""
    try:
        from importlib import import_module

        import_module(module).main()
    except KeyboardInterrupt:
        print("Error: interrupted", file=sys.stderr)
        sys.exit(1)
