"""Supernets on real images: python benchmarks/supernet.py PART.

Each part is a file ``supernet_PART.py``, prints one table and writes JSON. Images are those of
Fashion-MNIST (Debian: apt install dataset-fashion-mnist).
"""

from __future__ import annotations

from parts import run_part

if __name__ == "__main__":
    run_part("supernet", __doc__)
