"""Transfers of a few steps, on real images."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from small_supernets import SPACES, card_of, digits_for

from search import TransferOptions, TransferRequest
from search.adaptation.transfer import transfer
from supernets import Supernet, write_supernet

SPACE = SPACES["nasbench201"]
FEW = {
    "iterations": 2,
    "initial": 6,
    "archive": 6,
    "batch": 3,
    "final": 1,
    "population": 12,
    "generations": 4,
    "validation": 60,
    "recalibration": 40,
}


@lru_cache
def _pixels():
    """The first 300 of scikit-learn's digits, 8 x 8 pixels of 256 greys, and what they show."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return np.rint(images[:300] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8), labels[:300]


def write_digits(path):
    """A file of few images, which are read in no time."""
    images, labels = _pixels()
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, images=images, labels=labels)
    return path


def write_source(path, space=SPACE, seed=0):
    """A supernet to begin with, which has learnt nothing."""
    supernet = Supernet(space, rng=np.random.default_rng(seed))
    write_supernet(path, supernet, card_of(space, digits_for(space)))
    return path


def request(folder, *, data=None, objectives="top1,macs", models=None, settings=None, **given):
    """What is asked for: a few steps from the supernet in ``S.safetensors``."""
    about = {"steps": 8, "recipe": {"batch": 16}, "save_every_s": 0.0, **given}
    options = TransferOptions(settings={**FEW, **(settings or {})}, **about)
    more = {} if models is None else {"models": models}
    source, few = Path(folder).parent / "S.safetensors", Path(folder).parent / "digits.npz"
    if not source.exists():
        write_source(source)
    if not few.exists():
        write_digits(few)
    return TransferRequest(
        source, few if data is None else data, folder, objectives, options=options, **more
    )


def small_transfer(folder, *, progress=None, **given):
    """A transfer of a few steps into a folder."""
    return transfer(request(folder, **given), progress=progress)


def told(result):
    """All that has to be the same where a transfer is the same: everything but time and place."""
    record = {
        name: value
        for name, value in result.record.items()
        if name not in ("cpu_s", "spent", "history")
    }
    history = [
        {name: value for name, value in one.items() if name != "cpu_s"}
        for one in result.record["history"]
    ]
    return {**record, "history": history, "weights": result.path.read_bytes()[-4096:]}
