"""The ``nassearch`` command as a process."""

from __future__ import annotations


def main() -> None:
    """Run the command."""
    try:
        from nasprof.entry import run
    except KeyboardInterrupt:
        raise SystemExit("Error: interrupted") from None
    run("search.cli")


if __name__ == "__main__":
    main()
