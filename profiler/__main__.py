"""The ``nasprof`` command as a process."""

from __future__ import annotations

from nasprof.entry import run


def main() -> None:
    """Run the command."""
    run("profiler.cli")


if __name__ == "__main__":
    main()
