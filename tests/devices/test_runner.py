"""The runner as a program of its own: its protocol, its independence, its adapters."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from devices import runner
from devices.contention import CONTENDED, contention_reasons, lost_share
from devices.runner import usage
from devices.runner.archive import runner_archive
from devices.runner.models import Inputs, Refused, TensorInfo, check_inputs
from profiler.lowering import lower
from spaces import get_space
from spaces.graph import Network
from spaces.weights import random_weights

SOURCES = sorted(Path(runner.__file__).parent.rglob("*.py"))
HERE = Path(__file__).parents[1] / "support"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runner") / "runner.pyz"
    path.write_bytes(runner_archive())
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory):
    """A model file of each format, the same small network."""
    network = Network.of(get_space("ofa-mbv3", resolution=128).vocabulary[3])
    folder = tmp_path_factory.mktemp("models")
    weights = random_weights(network, np.random.default_rng(0))
    paths = {"onnx": folder / "m.onnx", "tflite": folder / "m.tflite"}
    for format_name, path in paths.items():
        lower(network, weights, path, format_name)
    return paths


def ask(archive, *requests, python=sys.executable, path=(HERE,)):
    """Run the archive as a board does, away from this project; its answers."""
    lines = [r if isinstance(r, str) else json.dumps(r) for r in requests]
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "PYENV_VERSION") if key in os.environ}
    done = subprocess.run(
        [python, str(archive)],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        cwd=archive.parent,
        env=kept | {"PYTHONPATH": os.pathsep.join(map(str, path))},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def hello(runtime="faulty_adapter:Adapter", **changes):
    return {"op": "hello", "runtime": runtime, "threads": 1, "affinity": None} | changes


def load(name, path):
    return {"op": "load", "name": name, "path": str(path), "seed": 0}


def test_a_session_is_answered_line_by_line(archive, model):
    answers = ask(
        archive,
        hello("onnxruntime", affinity=[0]),
        load("m", model["onnx"]),
        {"op": "round", "order": ["m", "m"], "warmup": 1, "runs": 4},
    )
    greeting, loaded, first, second, end = answers
    assert greeting["ok"] == "hello"
    assert greeting["affinity"] == [0]
    assert greeting["cpu_clock"] == "thread"
    assert greeting["facts"]["provider"] == "CPUExecutionProvider"
    assert loaded["inputs"][0]["dtype"] == "float32"
    assert loaded["inputs"][0]["shape"][0] == 1
    assert loaded["load_ms"] > 0
    for samples in (first, second):
        assert samples["ok"] == "samples"
        assert len(samples["wall_ms"]) == len(samples["cpu_ms"]) == 4
    assert end["ok"] == "round"
    assert end["context"]["other_cores"] is not None


def test_what_cannot_be_answered_is_an_error_and_the_rest_goes_on(archive, tmp_path):
    (tmp_path / "fine").write_text("fine")
    answers = ask(
        archive,
        load("early", tmp_path / "fine"),
        hello(threads=0),
        hello(),
        hello(),
        "{not json",
        "[]",
        {"op": "dance"},
        {"op": "load", "name": "m"},
        load("lost", tmp_path / "lost"),
        load("fine", tmp_path / "fine"),
        {"op": "round", "order": ["other"], "warmup": 0, "runs": 1},
        {"op": "round", "order": ["fine"], "warmup": 0, "runs": 1},
    )
    errors = [(answer.get("error"), answer.get("kind")) for answer in answers]
    assert errors == [
        ("load", "protocol"),
        ("hello", "protocol"),
        (None, None),
        ("hello", "protocol"),
        ("request", "protocol"),
        ("request", "protocol"),
        ("dance", "protocol"),
        ("load", "protocol"),
        ("load", "refused"),
        (None, None),
        ("round", "protocol"),
        (None, None),
        (None, None),
    ]
    assert "'path'" in answers[7]["message"]
    assert str(tmp_path / "lost") in answers[8]["message"]


def test_stray_output_is_kept_out_of_the_answers(archive, tmp_path):
    (tmp_path / "print").write_text("print")
    answers = ask(
        archive,
        hello(),
        load("print", tmp_path / "print"),
        {"op": "round", "order": ["print"], "warmup": 0, "runs": 2},
    )
    assert [answer["ok"] for answer in answers] == ["hello", "load", "samples", "round"]


def test_an_unknown_runtime_is_refused_with_the_known_ones(archive):
    (answer,) = ask(archive, hello("tensorrt"))
    assert answer["kind"] == "refused"
    assert "litert, onnxruntime, torch" in answer["message"]


def test_outputs_come_from_given_inputs(archive, model, tmp_path, rng):
    given = tmp_path / "in.npz"
    for kind, runtime in (("onnx", "onnxruntime"), ("tflite", "litert")):
        _, loaded = ask(archive, hello(runtime), load("m", model[kind]))
        image = rng.standard_normal(loaded["inputs"][0]["shape"]).astype(np.float32)
        np.savez(given, input=image)
        request = {"op": "run", "name": "m", "inputs": str(given)}
        for attempt in "ab":
            target = tmp_path / f"{attempt}.npz"
            answers = ask(
                archive,
                hello(runtime),
                load("m", model[kind]),
                request | {"outputs": str(target)},
            )
            assert answers[-1] == {"ok": "run", "name": "m"}
        first, second = np.load(tmp_path / "a.npz"), np.load(tmp_path / "b.npz")
        assert first.files == second.files == [loaded["outputs"][0]["name"]]
        np.testing.assert_array_equal(first[first.files[0]], second[first.files[0]])
        assert np.ptp(first[first.files[0]]) > 0


def test_many_samples_are_cut_into_batches(archive, tmp_path):
    (tmp_path / "gives-means").write_text("gives-means")
    target = tmp_path / "out.npz"
    request = {"op": "run", "name": "m", "outputs": str(target), "many": True}
    sizes = {"none": 0, "one": 1, "five": 5}
    for name, n in sizes.items():
        np.savez(tmp_path / f"{name}.npz", x=np.arange(n * 48.0).reshape(n, 4, 4, 3))
    loaded = hello(), load("m", tmp_path / "gives-means")
    for name in ("one", "five"):
        *_, answer = ask(archive, *loaded, request | {"inputs": str(tmp_path / f"{name}.npz")})
        assert answer == {"ok": "run", "name": "m"}
        given, found = np.load(tmp_path / f"{name}.npz")["x"], np.load(target)["y"]
        np.testing.assert_allclose(found, given.mean((1, 2)))
    *_, answer = ask(archive, *loaded, request | {"inputs": str(tmp_path / "none.npz")})
    assert answer["kind"] == "refused" and "there are [0] samples" in answer["message"]
    (tmp_path / "fine").write_text("fine")
    path = str(tmp_path / "one.npz")
    *_, answer = ask(archive, hello(), load("m", tmp_path / "fine"), request | {"inputs": path})
    assert answer["kind"] == "refused" and "inputs have [] samples" in answer["message"]


def test_the_archive_is_the_same_every_time():
    assert runner_archive() == runner_archive()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_sources_are_python_3_8_and_import_nothing_of_ours(path):
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))
    allowed = set(sys.stdlib_module_names) | {"numpy", "torch", "onnxruntime"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert node.module.split(".")[0] in allowed


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.12", "3.13"])
def test_other_pythons_run_it(archive, tmp_path, version):
    python = _python(version)
    if python is None:
        pytest.skip(f"PYTHON {version} MISSING: not run with it")
    (tmp_path / "fine").write_text("fine")
    answers = ask(
        archive,
        hello(),
        load("fine", tmp_path / "fine"),
        {"op": "round", "order": ["fine"], "warmup": 1, "runs": 2},
        python=python,
    )
    assert [answer["ok"] for answer in answers] == ["hello", "load", "samples", "round"]
    assert answers[0]["python"].startswith(version)


def _python(version):
    """An interpreter of this version on the path or from pyenv that works."""
    installed = Path.home().glob(f".pyenv/versions/{version}.*/bin/python")
    for python in filter(None, (shutil.which(f"python{version}"), *installed)):
        done = subprocess.run([python, "-c", ""], capture_output=True, check=False)
        if done.returncode == 0:
            return str(python)
    return None


def test_an_interpreter_that_cannot_be_built_is_passed_over(archive, tmp_path):
    """tflite-runtime 2.14 next to numpy 2 imports well and fails on the first interpreter."""
    broken, whole = tmp_path / "ai_edge_litert", tmp_path / "tflite_runtime"
    stub = """
        class OpResolverType:
            AUTO = 0
            BUILTIN_WITHOUT_DEFAULT_DELEGATES = 1
        class Interpreter:
            def __init__(self, model_content):
                assert model_content[4:8] == b"TFL3"
                {build}
            def allocate_tensors(self):
                pass
    """
    for folder, build in ((broken, "raise SystemError('numpy mismatch')"), (whole, "pass")):
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "interpreter.py").write_text(textwrap.dedent(stub).format(build=build))
        info = tmp_path / f"{folder.name}-9.9.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {folder.name.replace('_', '-')}\nVersion: 9.9\n")
    (answer,) = ask(archive, hello("litert"), path=(tmp_path,))
    assert answer["facts"]["library"] == "tflite-runtime"
    assert answer["runtime_version"] == "9.9"
    wanted = hello("litert", options={"library": "ai-edge-litert"})
    (answer,) = ask(archive, wanted, path=(tmp_path,))
    assert answer["kind"] == "refused"
    assert "numpy mismatch" in answer["message"]


def test_random_inputs_cover_types_and_repeat():
    tensors = [
        TensorInfo("image", ["batch", 3, None, 2], "float32"),
        TensorInfo("half", [4], "float16"),
        TensorInfo("quantised", [2000], "int8"),
        TensorInfo("bytes", [2000], "uint8"),
        TensorInfo("index", [50], "int64"),
        TensorInfo("mask", [50], "bool"),
    ]
    first, second = Inputs(3).arrays(tensors), Inputs(3).arrays(tensors)
    assert first["image"].shape == (1, 3, 1, 2)
    for tensor in tensors:
        assert first[tensor.name].dtype == tensor.dtype
        np.testing.assert_array_equal(first[tensor.name], second[tensor.name])
    assert (first["quantised"].min(), first["quantised"].max()) == (-128, 127)
    assert (first["bytes"].min(), first["bytes"].max()) == (0, 255)
    assert set(first["index"]) == {0, 1}
    assert not np.array_equal(first["image"], Inputs(4).arrays(tensors)["image"])


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"y": np.zeros((1, 2))}, "expected inputs x, got y"),
        ({}, "expected inputs x, got"),
        ({"x": np.zeros((2, 2))}, r"input x: expected shape \[1, 2\], got \[2, 2\]"),
    ],
)
def test_wrong_inputs_are_named(arrays, words):
    with pytest.raises(Refused, match=words):
        check_inputs([TensorInfo("x", [1, 2], "float32")], arrays)


def test_a_busy_process_is_seen_as_other_load():
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        window = usage.Window()
        while window.elapsed_s < 2 * usage.MIN_WINDOW_S:
            pass
        seen = window.close().to_dict()
    finally:
        busy.kill()
        busy.wait()
    assert seen["other_cores"] > 0.3
    assert seen["own_cores"] > 0.1


def test_own_work_is_no_other_load(monkeypatch):
    busy = iter([10.0, 10.5])
    monkeypatch.setattr(usage, "_machine_seconds", lambda: (next(busy), 0.0))
    cpu = iter([1.0, 1.4])
    monkeypatch.setattr(usage.time, "process_time", lambda: next(cpu))
    wall = iter([100.0, 101.0])
    monkeypatch.setattr(usage.time, "perf_counter", lambda: next(wall))
    seen = usage.Window().close().to_dict()
    assert seen["own_cores"] == pytest.approx(0.4)
    assert seen["other_cores"] == pytest.approx(0.1)


def test_a_short_window_tells_no_load(monkeypatch):
    seen = usage.Window().close().to_dict()
    assert seen["other_cores"] is None
    assert seen["steal_cores"] is None
    monkeypatch.setattr(usage, "_machine_seconds", lambda: (None, None))
    monkeypatch.setattr(usage, "MIN_WINDOW_S", 0.0)
    assert usage.Window().close().to_dict()["other_cores"] is None


def test_short_rounds_are_judged_together_with_those_before():
    recent = usage.Recent()
    first = recent.close(usage.Window())
    assert first.elapsed_s >= usage.MIN_WINDOW_S
    for _ in range(3):
        window = usage.Window()
        while window.elapsed_s < 0.01:
            pass
        total = recent.close(window)
        assert total.to_dict()["other_cores"] is not None
        assert total.elapsed_s >= usage.MIN_WINDOW_S
    # The first one is needed as long as the others do not suffice.
    assert total.elapsed_s >= first.elapsed_s + 0.03
    long = usage.Window()
    while long.elapsed_s < 1.1 * usage.MIN_WINDOW_S:
        pass
    assert recent.close(long).elapsed_s < 2 * usage.MIN_WINDOW_S


def test_what_one_span_cannot_tell_their_sum_cannot():
    known = usage.Usage(1.0, 0.5, 0.7, 0.1, 0.2, 3)
    both = known + known
    assert (both.elapsed_s, both.own_s, both.switches) == (2.0, 1.0, 6)
    assert both.to_dict()["other_cores"] == pytest.approx(0.2)
    assert (known + usage.Usage(1.0, 0.5, None, None, None, 0)).to_dict()["other_cores"] is None


# Rounds recorded on two cores: (threads, own work in ms of wall and CPU, context).
UNDISTURBED = [
    (1, 250, 249, {"other_cores": 0.096, "steal_cores": 0.04, "run_delay_ms": 1.2}),
    (1, 250, 246, {"other_cores": 0.011, "steal_cores": 0.016, "run_delay_ms": 3.0}),
    (1, 10, 9.3, {"other_cores": 0.036, "steal_cores": 0.0, "run_delay_ms": 0.7}),
    (2, 130, 250, {"other_cores": 0.042, "steal_cores": 0.099, "run_delay_ms": 5.2}),
    (2, 130, 210, {"other_cores": 0.0, "steal_cores": 0.0, "run_delay_ms": 0.6}),
]
DISTURBED = [
    (1, 250, 250, {"other_cores": 0.971, "steal_cores": 0.0, "run_delay_ms": 0.8}),
    (1, 500, 250, {"other_cores": 0.483, "steal_cores": 0.0, "run_delay_ms": 246}),
    (1, 500, 250, {"other_cores": None, "steal_cores": None, "run_delay_ms": None}),
    (2, 400, 420, {"other_cores": 0.838, "steal_cores": 0.0, "run_delay_ms": 470}),
    (2, 400, 420, {"other_cores": None, "steal_cores": None, "run_delay_ms": 470}),
    (1, 250, 250, {"other_cores": 0.02, "steal_cores": 0.4, "run_delay_ms": 0.8}),
]


@pytest.mark.parametrize(("threads", "wall", "cpu", "context"), UNDISTURBED)
def test_undisturbed_rounds_have_no_reasons(threads, wall, cpu, context):
    context = {"elapsed_ms": max(wall, 200)} | context
    assert contention_reasons([wall], [cpu], threads, context, context) == []


@pytest.mark.parametrize(("threads", "wall", "cpu", "context"), DISTURBED)
def test_disturbed_rounds_have_reasons(threads, wall, cpu, context):
    context = {"elapsed_ms": wall} | context
    assert contention_reasons([wall], [cpu], threads, context, context)
    assert CONTENDED == "contended"


def test_the_round_stands_in_where_samples_were_too_short():
    short = {"elapsed_ms": 3.0, "other_cores": None}
    assert contention_reasons([1.0], [1.0], 1, short, {"other_cores": 0.9, "elapsed_ms": 250})
    assert not contention_reasons([1.0], [1.0], 1, short, {"other_cores": 0.1, "elapsed_ms": 250})


def test_without_a_cpu_clock_nothing_is_lost():
    assert lost_share([100.0], None, 1, {}, {}) == 0.0
