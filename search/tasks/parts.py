"""Which part classes and fonts belong to: what is learned from, or what nobody has seen."""

from __future__ import annotations

import hashlib

META_TRAIN, UNSEEN = "meta-train", "unseen"
PARTS = (META_TRAIN, UNSEEN)
UNSEEN_SHARE = 0.35


def part_of(key: str) -> str:
    """The part of a thing, by a hash of its name: whatever else there is does not change it.

    >>> part_of("font dejavu sans") in PARTS
    True
    """
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
    return UNSEEN if number < UNSEEN_SHARE else META_TRAIN
