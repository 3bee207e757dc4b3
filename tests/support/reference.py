"""Where published reference data lie, beside the checkout."""

from pathlib import Path

SHARED = Path(__file__).resolve().parents[3] / "shared"
