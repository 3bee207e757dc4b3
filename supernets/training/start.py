"""Trainings that begin with the weights of another supernet."""

from __future__ import annotations

from pathlib import Path

from nasprof.errors import UsageError
from nasprof.log import logger
from supernets.checkpoint import read_supernet
from supernets.supernet import Supernet
from supernets.training.trained_parts import classifier_arrays


def take_weights(supernet: Supernet, path: Path | str, *, classifier: bool = True) -> None:
    """Begin with the weights of another supernet of the same networks.

    Arrays of its classifier stay as they are where that has another number of classes.

    Args:
        supernet: that takes them.
        path: any file that :func:`supernets.read_supernet` reads, at any resolution.
        classifier: whether to take that of its last layer.

    Raises:
        UsageError: it cannot be read, or is of other networks.
    """
    other, _ = read_supernet(path)
    theirs, own = other.arrays(), supernet.arrays()
    new = [name for name in own if name not in theirs or theirs[name].shape != own[name].shape]
    classes = [_classes(one) for one in (other, supernet)]
    for name in new:
        pair = [arrays[name].shape if name in arrays else () for arrays in (theirs, own)]
        # A classifier's arrays differ along their first axis, and there as the classes do.
        if [shape[:1] for shape in pair] != [(n,) for n in classes] or pair[0][1:] != pair[1][1:]:
            raise UsageError(
                f"{path} is of {other.space.label}, whose array {name} does not fit "
                f"{supernet.space.label}",
                "Begin with a supernet of the same space; classes and resolution may be others.",
            )
    if not classifier:
        new = sorted({*new, *classifier_arrays(supernet)})
    supernet.load_arrays({**own, **{name: theirs[name] for name in own if name not in new}})
    anew = f", with a new classifier for {classes[1]} classes" if new else ""
    logger.info(f"begins with the weights of {path}{anew}")


def _classes(supernet: Supernet) -> int:
    """How many classes a supernet tells apart."""
    return int(supernet.space.network(supernet.smallest).output[-1])
