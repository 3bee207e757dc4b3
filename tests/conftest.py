"""What every test may use."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import signal
import tempfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from devices.runner.telemetry import silence
from profiler.model_files.references import reference_files
from search.accuracy import kernel as kernel_accuracy
from search.regression.inducing import explained_by

# An example may take as long as it does on a busy machine.
settings.register_profile("nasprof", deadline=None)
settings.load_profile("nasprof")

# A test run in the background may have inherited that Ctrl-C is ignored, which the programs that
# tests interrupt would inherit in turn.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Whatever tables, generators and profiles their user has, tests see none of them.
_own = Path(tempfile.mkdtemp(prefix="nasprof-tests-"))
atexit.register(shutil.rmtree, _own, ignore_errors=True)
os.environ["NASPROF_DATA"] = str(_own / "data")
os.environ["NASPROF_CONFIG"] = str(_own / "config")

# What tests write need not outlast a power cut, and disks take their time.
os.fsync = lambda _: None

# Tests that import a runtime themselves report nothing either.
silence()

_explained = OrderedDict()


def explained_by_as_before(process, inputs, repeats):
    """What was found for the same arguments: hundreds of tests read the shipped accuracy model,
    and this takes a quarter of a second each time.
    """
    kernel = process.kernel
    numbers = np.array([kernel.amplitude, process.noise])
    arrays = (kernel.linear, kernel.joint, numbers, inputs, repeats)
    described = repr([kernel.form, *((array.shape, array.dtype) for array in arrays)]).encode()
    key = hashlib.sha256(b"".join([described, *(array.tobytes() for array in arrays)])).digest()
    if key not in _explained:
        _explained[key] = explained_by(process, inputs, repeats)
    if len(_explained) > 8:
        _explained.popitem(last=False)
    _explained.move_to_end(key)
    return _explained[key]


kernel_accuracy.explained_by = explained_by_as_before

LONG = (
    "tutorial",
    "engines",
    "machines",
    "transfer",
    "learned",
    "executors",
    "run_loop",
    "docs",
    "adb_tables",
    "run_command",
    "notebooks",
    "generate",
    "build",
    "supernet_evaluate",
    "contributing",
    "adb_generate",
    "run_and_compare",
    "predictors",
    "pnag_training",
    "adb_device",
    "own_models",
    "objectives",
    "cpu_device",
    "lowering_parity",
    "adb_suite",
    "signals",
    "deliver",
    "adb_build",
    "telemetry",
    "adb_connection",
    "cli",
    "transfer_command",
    "elastic_accuracy",
    "adb_hostile",
    "adb_cli",
    "lowering_files",
    "adb_delivery",
    "archive",
    "supernet_accuracy",
    "answers",
    "training",
    "supernet_train",
    "supernet",
)
"""Files that take long, the longest first, so that no worker is left alone with one at the end."""


def pytest_collection_modifyitems(items):
    order = {f"test_{name}": number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.stem, len(LONG)))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model file that takes next to no time."""
    folder = tmp_path / "models"
    folder.mkdir()
    return reference_files("onnx", folder)[1].rename(folder / "empty.onnx")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
