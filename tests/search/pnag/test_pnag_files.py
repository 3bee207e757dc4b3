"""Generators as files, whole and damaged."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trade_offs import (
    CELLS,
    MOBILE,
    MODELS,
    budgets_of,
    generator_for,
    made_up_accuracy,
    mobile,
)

from nasprof.errors import UsageError
from search.generators.answers import AnswerSettings, answer
from search.generators.checkpoint import CheckpointInvalid
from search.model_arrays import parse_arrays, read_arrays
from search.pnag.checkpoint import read_generator, write_generator
from spaces import get_space
from spaces.predictor import SpaceMismatch

FEW = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])

every_model = pytest.mark.parametrize("name", list(MODELS))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "cells.npz"
    write_generator(generator_for("cells"), path)
    return path


@every_model
def test_a_generator_is_read_as_it_was_written(name, tmp_path):
    generator, trade_off = generator_for(name), MODELS[name]()
    write_generator(generator, tmp_path / "g.npz")
    found = read_generator(tmp_path / "g.npz", trade_off.space)
    budgets_ms = np.array(budgets_of(trade_off, *np.linspace(-0.1, 1.1, 99)))
    drawn = [each.sample(budgets_ms, np.random.default_rng(4)) for each in (generator, found)]
    assert np.array_equal(*drawn)
    assert np.array_equal(found.elites, generator.elites)
    assert found.provenance == generator.provenance
    assert found.trained_for(trade_off)
    write_generator(found, tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "g.npz").read_bytes()


def test_a_generator_of_another_space_is_refused(file):
    with pytest.raises(SpaceMismatch, match="not of ofa-mbv3"):
        read_generator(file, MOBILE)
    other = get_space("nasbench201", resolution=8, classes=5, channels=4, cells=1)
    with pytest.raises(SpaceMismatch, match="cells"):
        read_generator(file, other)


def test_a_missing_file_is_not_called_damaged(tmp_path):
    with pytest.raises(UsageError, match="No such file") as refused:
        read_generator(tmp_path / "none.npz", CELLS)
    assert not isinstance(refused.value, CheckpointInvalid)
    assert "nassearch train" in refused.value.remedy


def refused_as_damaged(path, said=None):
    with pytest.raises(CheckpointInvalid, match=said) as refused:
        read_generator(path, CELLS)
    assert str(path) in refused.value.message
    assert "nassearch train" in refused.value.remedy


@FEW
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_found(file, tmp_path, share):
    data = file.read_bytes()
    path = tmp_path / "cut.npz"
    path.write_bytes(data[: int(share * len(data))])
    refused_as_damaged(path)


@FEW
@given(share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_changes_nothing_or_is_found(file, tmp_path, share, bit):
    """Some bytes of a zip file, such as dates, mean nothing to anyone."""
    data = bytearray(file.read_bytes())
    data[int(share * len(data))] ^= 1 << bit
    path = tmp_path / "flipped.npz"
    path.write_bytes(data)
    try:
        found = read_generator(path, CELLS)
    except CheckpointInvalid:
        return
    kept = read_generator(file, CELLS)
    for name, weight in kept.policy.weights.items():
        assert np.array_equal(found.policy.weights[name], weight)
    assert found.provenance == kept.provenance


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04", b"\x80\x04]q\x00."])
def test_what_is_no_archive_is_refused(tmp_path, content):
    path = tmp_path / "g.npz"
    path.write_bytes(content)
    refused_as_damaged(path, "no archive of arrays")


def test_models_of_other_kinds_are_refused(tmp_path):
    path = tmp_path / "accuracy.npz"
    made_up_accuracy(CELLS).as_arrays().write(path)
    refused_as_damaged(path, "'kind' is 'ridge', expected 'pnag-generator'")


def rewritten(file, path, signed=True, about=None, **changes):
    """The same file with other arrays, None for without; signed anew or not."""
    arrays = read_arrays(file)
    if not signed:
        np.savez(path, **{**arrays, **changes})
        return path
    archive = parse_arrays(arrays)
    changed = {**archive.arrays, **changes}
    kept = {name: value for name, value in changed.items() if value is not None}
    replace(archive, about={**archive.about, **(about or {})}, arrays=kept).write(path)
    return path


def test_a_changed_weight_is_found(file, tmp_path):
    bias = read_arrays(file)["bias"]
    bias[0] += 1
    refused_as_damaged(rewritten(file, tmp_path / "g.npz", signed=False, bias=bias), "sha256")


ARRAYS = ["tokens", "budgets", "input", "hidden", "bias", "heads", "head_bias"]


@pytest.mark.parametrize("name", [*ARRAYS, "knots_ms", "elites"])
def test_a_missing_or_ill_shaped_array_is_found(file, tmp_path, name):
    path = tmp_path / "g.npz"
    refused_as_damaged(rewritten(file, path, **{name: None}), f"array '{name}' is missing")
    array = read_arrays(file)[name]
    refused_as_damaged(rewritten(file, path, **{name: array[..., None]}), f"'{name}' is")
    refused_as_damaged(rewritten(file, path, **{name: array.astype("f2")}), f"'{name}' is")
    if array.dtype.kind == "f":
        refused_as_damaged(rewritten(file, path, **{name: array * np.nan}), "not finite")
    if name in ARRAYS:
        # Of the right number of dimensions, but not fitting the others.
        longer = np.concatenate([array, array[..., :1]], -1)
        refused_as_damaged(rewritten(file, path, **{name: longer}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"elites": np.full((1, 6), 5, np.int8)}, "is 5, expected 0 to 4"),
        ({"elites": np.full((1, 6), -1, np.int8)}, "is -1, expected 0 to 4"),
        ({"elites": np.zeros((1, 7), np.int8)}, "expected int8 of shape"),
        ({"knots_ms": np.array([4.0, 3.0, 2.0, 1.0])}, "ascending"),
        ({"about": {"spaces": []}}, "empty"),
        ({"about": {"spaces": [{"space": "nasbench301"}]}}, "no space is called"),
        ({"about": {"provenance": 3}}, "provenance"),
    ],
)
def test_contents_that_make_no_sense_are_found(file, tmp_path, changes, said):
    refused_as_damaged(rewritten(file, tmp_path / "g.npz", **changes), said)


def test_an_empty_set_of_knots_is_found(file, tmp_path):
    arrays = read_arrays(file)
    changes = {"knots_ms": arrays["knots_ms"][:0], "budgets": arrays["budgets"][:0]}
    refused_as_damaged(rewritten(file, tmp_path / "g.npz", **changes), "ascending")


def test_answering_needs_no_torch(tmp_path):
    write_generator(generator_for("mobile"), tmp_path / "mobile.npz")
    code = """
import sys
from pathlib import Path
import numpy as np
from luts import read_cost_model
from search.accuracy import read_accuracy_model
from search.generators.answers import AnswerSettings, answer
from search.pnag.checkpoint import read_generator
from search.objectives.trade_off import TradeOff
table = read_cost_model("cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224")
trade_off = TradeOff.of(read_accuracy_model("imagenet"), table)
generator = read_generator(Path(sys.argv[1]), trade_off.space)
assert generator.trained_for(trade_off)
few = AnswerSettings(samples=16)
(found,) = answer(generator, trade_off, [20.0], np.random.default_rng(0), few)
assert "torch" not in sys.modules
print(found[0].top1)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "mobile.npz")]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    rng = np.random.default_rng(0)
    (here,) = answer(generator_for("mobile"), mobile(), [20.0], rng, AnswerSettings(samples=16))
    assert float(result.stdout) == pytest.approx(here[0].top1)
