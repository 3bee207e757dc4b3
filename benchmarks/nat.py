"""Supernets adapted to other images while they are searched: python benchmarks/nat.py PART.

Each part is a file ``nat_PART.py``, prints one table and writes JSON. What was done is kept under
``out/benchmarks/nat`` and gone on with; ``nat_common.py`` says where the images come from.
"""

from __future__ import annotations

from parts import run_part

if __name__ == "__main__":
    run_part("nat", __doc__)
