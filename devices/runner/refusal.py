"""The error of what cannot be done."""

from __future__ import annotations


class Refused(Exception):
    """What was asked for cannot be done here; the message says why."""
