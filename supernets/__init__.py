"""Networks with weights: supernets that train, are evaluated, and give their networks away.

Importing this package loads no torch; its names do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nasprof.exports import lazily

if TYPE_CHECKING:
    from supernets.subnet import Subnet
    from supernets.supernet import Supernet

__all__ = ["Subnet", "Supernet"]

_ORIGINS = {
    "Subnet": "supernets.subnet",
    "Supernet": "supernets.supernet",
}
if not TYPE_CHECKING:
    __getattr__ = lazily(__name__, _ORIGINS)


def __dir__() -> list[str]:
    return sorted(__all__)
