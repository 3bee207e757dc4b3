"""Calls of the library: what they take, what they give, and that commands print the same."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import numpy as np
import pytest
from console import console

import profiler
from nasprof.errors import NasprofError, UsageError
from profiler.cli import main
from spaces import get_space

CELLS = get_space("nasbench201", cells=1)
LUT = "cpu-onnxruntime-fp32-ofa-mbv3-w1.0-r224"
QUICK = "fixed:runs=1,rounds=2,warmup=0,repeats=0"
MOBILE = get_space("ofa-mbv3", width=1.0, resolution=224)
invoke = console(main)


@pytest.fixture
def arch_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.json"
    genes = MOBILE.sample(1, np.random.default_rng(0))
    path.write_text(json.dumps(MOBILE.decode(genes)[0]))
    return path


def test_architectures_are_given_in_every_form(arch_file):
    arch = json.loads(arch_file.read_text())
    genes = MOBILE.encode([arch, arch])
    named = profiler.named_archs([arch_file, str(arch_file), arch, (MOBILE, genes)])
    assert [each.name for each in named] == ["small", "small-2", "arch2", "arch3", "arch4"]
    assert all(each.arch == arch for each in named)
    assert profiler.named_archs((MOBILE, genes[0]))[0].arch == arch


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (7, "7 is no architecture"),
        ([(CELLS, [1, 2, 3])], r"shape \(n, 6\), got int64 of shape \(1, 3\)"),
        ((CELLS, [0, 0, 0, 0, 0, 9]), "gene 5 of row 0 is 9, expected at least 0 and below 5"),
        ({"space": "no-such"}, "no space is called"),
    ],
)
def test_what_is_no_architecture_is_named(given, words):
    with pytest.raises(UsageError, match=words):
        profiler.named_archs(given)


def test_models_of_every_sort_are_measured_together(arch_file, tmp_path):
    torch = pytest.importorskip("torch")
    (written,) = profiler.export((CELLS, [0] * 6), output=tmp_path)
    module = profiler.TorchModel(torch.nn.Flatten(), torch.zeros(1, 2, 3, 4), "flat")
    said, saved = [], tmp_path / "results.jsonl"
    results = profiler.measure(
        [written.path, (CELLS, [1] * 6), module],
        profiler.Target("cpu", threads=1),
        protocol=QUICK,
        save=saved,
        listeners=profiler.Listeners(completed=lambda result: said.append(result.name)),
    )
    names = ["arch0.onnx", "arch0", "flat"]
    assert [result.name for result in results] == names
    assert sorted(said) == sorted(names)
    assert (results.failed, results.speed, results.save_error) == ((), None, None)
    assert [result["speed"] for result in results.to_dict()] == [None] * 3
    assert sorted(result.name for result in profiler.read_measurements([saved])) == sorted(names)
    frame = results.to_frame()
    assert list(frame["name"]) == names
    assert (frame["trimmed_mean_ms"] > 0).all()


def test_a_model_that_fails_is_an_error_unless_somebody_is_told(tmp_path):
    (written,) = profiler.export((CELLS, [0] * 6), output=tmp_path)
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(written.path.read_bytes()[:-1000])
    with pytest.raises(NasprofError, match=r"damaged\.onnx cannot be measured"):
        profiler.measure([damaged, written.path], protocol=QUICK)
    told = []
    listeners = profiler.Listeners(failed=lambda name, error: told.append(name))
    results = profiler.measure([damaged, written.path], protocol=QUICK, listeners=listeners)
    assert (told, results.failed) == (["damaged.onnx"], ("damaged.onnx",))
    assert [result.name for result in results] == ["arch0.onnx"]


def test_what_cannot_be_measured_is_refused_before_a_device_is_opened():
    with pytest.raises(UsageError, match="at least one model"):
        profiler.measure([])
    inputs = profiler.ModelInputs({"x": (1, 3)})
    with pytest.raises(UsageError, match="inputs are of model files"):
        profiler.measure((CELLS, [0] * 6), inputs=inputs)
    with pytest.raises(UsageError, match=r"model file nowhere\.onnx does not exist"):
        profiler.measure("nowhere.onnx")


def test_predictions_are_what_the_command_prints(arch_file):
    predictions = profiler.predict(LUT, arch_file, budget="20ms")
    printed = invoke("predict", "--lut", LUT, "--arch", arch_file, "--budget", "20", "--json")
    assert predictions.to_dict() == json.loads(printed.stdout)
    assert predictions.model.name == LUT
    (row,) = predictions.rows()
    assert row["upper_ms_0.95"] == predictions[0].upper_ms[0.95]
    assert list(predictions.to_frame()["within_budget"]) == [True]
    with pytest.raises(UsageError, match="expected 'table' or 'today'"):
        profiler.predict(LUT, arch_file, speed="yesterday")


def test_exports_and_descriptions_are_what_the_commands_print(arch_file, tmp_path):
    exported = profiler.export(arch_file, "onnx", output=tmp_path)
    printed = invoke("export", "--arch", arch_file, "-o", tmp_path, "--json")
    assert exported.to_dict() == json.loads(printed.stdout)
    described = profiler.describe(arch_file)
    assert described.to_dict() == json.loads(
        invoke("describe", "--arch", arch_file, "--json").stdout
    )
    assert len(described.rows()) == len(described[0].blocks)


def test_modules_are_written_at_fp32_alone(tmp_path):
    torch = pytest.importorskip("torch")
    module = profiler.TorchModel(torch.nn.Linear(3, 2), torch.zeros(4, 3))
    (file,) = profiler.export(module, "torch", output=tmp_path)
    assert (file.path.name, file.batch, file.params, file.arch) == ("module.pt", 4, 8, None)
    with pytest.raises(UsageError, match="cannot be written at precision 'fp16'"):
        profiler.export(module, lowering=profiler.LoweringOptions("fp16"), output=tmp_path)
    with pytest.raises(UsageError, match="is no name"):
        profiler.TorchModel(torch.nn.Flatten(), torch.zeros(1), "a/b")
    with pytest.raises(UsageError, match="needs inputs"):
        profiler.TorchModel(torch.nn.Flatten(), [])


def test_without_pandas_there_is_no_frame(monkeypatch, arch_file):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="needs pandas") as caught:
        profiler.describe(arch_file).to_frame()
    assert "nasprof[frames]" in caught.value.remedy


def test_doubts_of_a_cost_model_are_warnings(tmp_path, caplog):
    from luts import import_table, read_cost_model

    table = read_cost_model(LUT)
    csv = tmp_path / "table.csv"
    profiler_rows = ["key,latency_ms", *(f"{key},1.0" for key in table.entries)]
    csv.write_text("\n".join(profiler_rows))
    imported = import_table([csv], "csv", tmp_path / "t.json", spaces=table.spaces)
    with caplog.at_level(logging.WARNING, "nasprof"):
        profiler.predict(imported.table.path, (MOBILE, np.zeros(MOBILE.n_genes, np.int8)))
    assert any("never compared" in record.getMessage() for record in caplog.records)
