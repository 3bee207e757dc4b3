"""Where a command's process begins: nothing that takes time is imported before Ctrl-C is heeded."""

from __future__ import annotations

from nasprof.signals import leave_when_interrupted


def run(module: str) -> None:
    """Import the module of a command and run its ``main``, which ends this process."""
    leave_when_interrupted()
    from importlib import import_module

    import_module(module).main()
