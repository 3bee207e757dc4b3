"""Supernets as files: ``.safetensors`` with a card, and checkpoints of others.

Torch's own files are read by ``weights_only`` alone, so that nothing in them is run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nasprof.errors import UsageError
from nasprof.files import write_atomic
from nasprof.json_text import parse_json
from nasprof.normalisation import IMAGENET
from nasprof.safetensors_file import read_safetensors_metadata
from nasprof.state_dict import read_state
from nasprof.tensors import TorchMissing
from spaces import Space, get_space
from spaces.sharing import sharing_of
from supernets.card import SupernetCard

if TYPE_CHECKING:
    from supernets.supernet import Supernet

CARD = "nasprof.supernet"
"""The entry of a file's metadata that holds the card."""

_CLASSIFIER = "classifier.linear.weight"


def write_supernet(path: Path, supernet: Supernet, card: SupernetCard) -> None:
    """Write a supernet and what is known of it, as a whole or not at all.

    Args:
        path: the file (``.safetensors``).
        supernet: its weights.
        card: what is known of it.

    Raises:
        NasprofError: the file cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> from spaces import get_space
    >>> from supernets import Supernet, SupernetCard, read_supernet, write_supernet
    >>> from supernets.data import Normalisation
    >>> space = get_space("nasbench201", classes=2, cells=1, resolution=8)
    >>> card = SupernetCard(space, ("cat", "dog"), Normalisation((0.5,) * 3, (0.25,) * 3))
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "pets.safetensors"
    ...     write_supernet(path, Supernet(space), card)
    ...     read_supernet(path)[1].classes
    ('cat', 'dog')
    """
    from safetensors.numpy import save

    text = json.dumps(card.to_dict(), allow_nan=False)
    write_atomic(path, save(supernet.arrays(), metadata={CARD: text}))


def read_supernet(path: str | Path, space: Space | None = None) -> tuple[Supernet, SupernetCard]:
    """A supernet in evaluation mode, and what is known of it.

    Args:
        path: what :func:`write_supernet` wrote, or a state dict of others: ``.safetensors``,
            ``.npz``, or torch's ``.pth``. Published checkpoints of OFA's MobileNetV3
            (``ofa_mbv3_d234_e346_k357_w1.0``, ``_w1.2``) are recognised by their shapes.
        space: that the supernet must be of, whatever its resolution; the file's own unless given.

    Raises:
        UsageError: the file cannot be read safely, or is of another space, width or number of
            classes.

    >>> read_supernet("nowhere.safetensors")  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    UsageError: cannot read nowhere.safetensors: No such file or directory
    """
    try:
        from supernets.supernet import Supernet
    except ModuleNotFoundError as error:
        raise TorchMissing(
            "networks of a supernet need torch, which is not installed",
            "Run: pip install 'nasprof[torch]'",
        ) from error

    path = Path(path)
    card = read_card(path)
    state = read_state(path)
    if card is None:
        card = _card_of_others(path, state, space)
    elif space is not None:
        card = card.in_space(space)
    supernet = Supernet(card.space).load_arrays(state)
    return supernet.eval(), card


def read_card(path: Path) -> SupernetCard | None:
    """The card of a supernet's file; None where it has none, as files of others.

    Raises:
        UsageError: there is no such file, or its card is damaged.
    """
    if path.suffix != ".safetensors":
        return None
    text = read_safetensors_metadata(path).get(CARD)
    if text is None:
        return None
    where = f"{path}: card"
    return SupernetCard.from_dict(parse_json(text, where), where)


def weights_digest(arrays: Mapping[str, NDArray[np.float32]]) -> str:
    """SHA-256 of weights by name, in hexadecimal: what values that depend on them are known by."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name], np.float32)
        digest.update(f"{name}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _card_of_others(
    path: Path, state: Mapping[str, NDArray[np.float32]], space: Space | None
) -> SupernetCard:
    space = space or _recognised(path, state)
    classes = int(space.settings.get("classes", getattr(space, "classes", 0)))
    names = tuple(str(number) for number in range(classes))
    return SupernetCard(space, names, IMAGENET)


def _recognised(path: Path, state: Mapping[str, NDArray[np.float32]]) -> Space:
    """The OFA space whose arrays these are."""
    if _CLASSIFIER in state:
        for width in (1.0, 1.2):
            space = get_space("ofa-mbv3", width=width, classes=len(state[_CLASSIFIER]))
            sharing = sharing_of(space)
            current = sharing.current_names(state)
            if all(
                name in current and current[name].shape == shape
                for name, shape in sharing.arrays.items()
            ):
                return space
    raise UsageError(
        f"{path} has no card, and is no published checkpoint of OFA's MobileNetV3",
        "Name the space that its weights are of.",
    )
