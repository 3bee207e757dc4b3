"""A device that is lost while networks are measured: the transfer goes on with predictions."""

from __future__ import annotations

import numpy as np
import pytest
from small_transfers import SPACE, small_transfer

from devices import DeviceLost
from search import Models
from search.adaptation import transfer as module
from search.adaptation.log import TransferLog
from search.adaptation.transfer import LOG
from search.problem import Objective


def phone(lost_after):
    """An objective like ``latency_measured``, of a device that is gone after some networks."""
    left = [lost_after]

    def measured(genes):
        left[0] -= len(genes)
        if left[0] < 0:
            raise DeviceLost("the phone is gone")
        return SPACE.macs(genes) / 1e6

    return Objective("latency_measured@phone", "ms", measured, kind="evaluated", device="phone")


def transfer_with(monkeypatch, folder, objective):
    def objectives_of(names, models: Models):
        return models.space, (objective,)

    monkeypatch.setattr(module, "objectives_of", objectives_of)
    return small_transfer(folder, objectives="top1,latency_measured@phone", steps=2)


def test_what_it_was_measured_for_is_predicted_from_then_on(monkeypatch, tmp_path, caplog):
    out = tmp_path / "out"
    result = transfer_with(monkeypatch, out, phone(10))
    assert result.front
    assert "is predicted from now on" in caplog.text
    assert "the phone is gone" in caplog.text
    about = log(out)
    measured = [values for values, predicted in about.fixed.values() if not predicted]
    guessed = [values for values, predicted in about.fixed.values() if predicted]
    assert len(measured) == 10 and guessed
    assert all(np.isfinite(values).all() for values in guessed)


def log(out):
    import json

    header = json.loads((out / LOG).read_text().splitlines()[0])
    with TransferLog(out / LOG, header["facts"]) as read:
        return read


def test_too_little_to_predict_from_ends_it(monkeypatch, tmp_path):
    with pytest.raises(DeviceLost, match="the phone is gone"):
        transfer_with(monkeypatch, tmp_path / "out", phone(3))
