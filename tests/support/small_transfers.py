"""Transfers of a few steps, on real images."""

from __future__ import annotations

from functools import lru_cache, partial
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
def digits():
    return digits_for(SPACE)


def write_source(path, space=SPACE, seed=0):
    """A supernet to begin with, which has learnt nothing."""
    supernet = Supernet(space, rng=np.random.default_rng(seed))
    write_supernet(path, supernet, card_of(space, digits_for(space)))
    return path


def request(folder, *, data="digits", objectives="top1,macs", models=None, settings=None, **given):
    """What is asked for: a few steps from the supernet in ``S.safetensors``."""
    about = {"steps": 8, "recipe": {"batch": 16}, "save_every_s": 0.0, **given}
    options = TransferOptions(settings={**FEW, **(settings or {})}, **about)
    more = {} if models is None else {"models": models}
    source = Path(folder).parent / "S.safetensors"
    if not source.exists():
        write_source(source)
    return TransferRequest(source, data, folder, objectives, options=options, **more)


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


train_little = partial(small_transfer, steps=2)
