"""What a fitted model tells of the measurements it was made from.

``source``, the numbers of ``measurements`` and of distinct ``networks``, how many were
``left_out``, ``noise`` between repeats in points, ``validity`` (ranges), ``cross_validation``
(a score), ``seed`` and ``nasprof`` (version).
"""

from __future__ import annotations

from nasprof.reader import Reader
from nasprof.typing import JsonObject

GOOD_SPEARMAN = 0.95


def check_provenance(provenance: JsonObject) -> None:
    """Look whether what is told of it to people is there.

    Raises:
        UsageError: naming the field that is missing or wrong.
    """
    reader = Reader(dict(provenance), "provenance")
    for name in ("networks", "left_out"):
        reader.take(name, "a whole number")
    judged = Reader(reader.take("cross_validation", "an object"), "provenance.cross_validation")
    judged.take("n", "a whole number")
    for name in ("spearman", "mae"):
        judged.take(name, "a number")


def doubts(provenance: JsonObject) -> list[str]:
    """Why a fitted model should be taken with care, a sentence each."""
    if "cross_validation" not in provenance:
        return ["it was never compared with networks it was not fitted to"]
    sentences = []
    spearman = provenance["cross_validation"]["spearman"]
    if spearman < GOOD_SPEARMAN:
        sentences.append(
            f"it ranks networks with a Spearman of only {spearman:.3f} (cross-validated on "
            f"{provenance['networks']}; {GOOD_SPEARMAN} is good)"
        )
    if left_out := provenance["left_out"]:
        sentences.append(f"{left_out} of the measured networks were left out, at random")
    return sentences
