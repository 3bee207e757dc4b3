"""``python -m devices.runner``."""

from __future__ import annotations

from .serve import main

main()
