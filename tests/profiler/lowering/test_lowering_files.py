"""What is inside the files: operators, types, layout, and errors for what cannot be written."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated as schema

from nasprof.errors import NasprofError, UsageError
from profiler.lowering import FileOptions, formats, lower
from spaces.mobilenetv3 import MobileNetV3Space
from spaces.nasbench201 import NasBench201Space
from spaces.ops import Activate, Conv, GlobalPool
from spaces.weights import random_weights

OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}
TYPES = {code: name for name, code in vars(schema.TensorType).items() if name.isupper()}

BENCH = NasBench201Space(cells=1)


@pytest.fixture(scope="module")
def mobilenet():
    space = MobileNetV3Space(resolution=128)
    network = space.network(space.sample(1, np.random.default_rng(4))[0])
    return network, random_weights(network, np.random.default_rng(0))


@pytest.fixture(scope="module")
def small():
    """A small network of the same shape: cheap to quantize."""
    space = MobileNetV3Space(
        resolution=48, stem_width=16, stage_widths=(16, 24, 32, 40, 48), classes=20
    )
    network = space.network(space.sample(1, np.random.default_rng(1))[0])
    return network, random_weights(network, np.random.default_rng(0))


def written(subject, folder, name, precision="fp32", **options):
    path = folder / f"model{formats.get(name).suffix}"
    return lower(*subject, path, name, FileOptions(precision, **options))


def read_tflite(path):
    return schema.ModelT.InitFromPackedBuf(path.read_bytes())


def tflite_operators(model):
    codes = [code.builtinCode for code in model.operatorCodes]
    return [(OPERATORS[codes[op.opcodeIndex]], op) for op in model.subgraphs[0].operators]


def expected_counts(network):
    ops = network.program().ops
    activations = Counter(str(getattr(op, "activation", "none")) for op in ops)
    kinds = Counter(type(op) for op in ops)
    return kinds, activations


def test_onnx_has_fused_operators_and_nothing_else(mobilenet, tmp_path):
    model = onnx.load(written(mobilenet, tmp_path, "onnx").path)
    onnx.checker.check_model(model, full_check=True)
    census = Counter(node.op_type for node in model.graph.node)
    kinds, activations = expected_counts(mobilenet[0])
    assert census["Conv"] == kinds[Conv]
    assert census["GlobalAveragePool"] == kinds[GlobalPool]
    assert census["HardSwish"] == activations["h_swish"] > 0
    assert census["HardSigmoid"] == activations["h_sigmoid"] > 0
    allowed = {"Conv", "HardSwish", "HardSigmoid", "Relu", "Add", "Mul", "GlobalAveragePool"}
    assert set(census) == allowed | {"Flatten", "Gemm"}
    assert [value.name for value in model.graph.input] == ["input"]
    assert [value.name for value in model.graph.output] == ["output"]


def test_tflite_is_never_transposed_and_folds_the_sixths(mobilenet, tmp_path):
    model = read_tflite(written(mobilenet, tmp_path, "tflite").path)
    census = Counter(name for name, _ in tflite_operators(model))
    _, activations = expected_counts(mobilenet[0])
    assert census["HARD_SWISH"] == activations["h_swish"]
    assert census["MUL"] == activations["h_sigmoid"], "one product a gate, none for its sixth"
    assert census["PAD"] == 5 and "TRANSPOSE" not in census
    assert set(census) == {
        *("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "HARD_SWISH"),
        *("ADD", "MUL", "MEAN", "PAD"),
    }


def test_equal_operations_are_merged_and_relus_fused(tmp_path):
    """All edges of the first node begin with a ReLU of it; a reduction's is fused into a sum."""
    space = NasBench201Space(cells=1)
    network = space.network(np.array([4, 4, 3, 4, 3, 3], np.int8))
    subject = network, random_weights(network, np.random.default_rng(0))
    relus = [op for op in network.program().ops if isinstance(op, Activate)]
    assert len(relus) == 3 * 6 + 2 * 2
    onnx_census = Counter(
        node.op_type for node in onnx.load(written(subject, tmp_path, "onnx").path).graph.node
    )
    assert onnx_census["Relu"] == 3 * 3 + 2 * 2 + 1, "one a node, and the last norm's"
    model = read_tflite(written(subject, tmp_path, "tflite").path)
    fused = [
        name
        for name, op in tflite_operators(model)
        if getattr(op.builtinOptions, "fusedActivationFunction", 0)
    ]
    census = Counter(name for name, _ in tflite_operators(model))
    assert census["RELU"] + len(fused) == onnx_census["Relu"]
    assert {"ADD", "CONV_2D"} == set(fused)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize("space", [MobileNetV3Space(resolution=64, stem_width=8), BENCH])
def test_xnnpack_takes_the_whole_tflite_graph(tmp_path, space, precision):
    from ai_edge_litert.interpreter import Interpreter

    network = space.network(space.sample(1, np.random.default_rng(0))[0])
    subject = network, random_weights(network, np.random.default_rng(0))
    interpreter = Interpreter(str(written(subject, tmp_path, "tflite", precision).path))
    source, target = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.allocate_tensors()
    (delegate,) = [op for op in interpreter._get_ops_details() if op["op_name"] == "DELEGATE"]
    assert source[0]["index"] in delegate["inputs"]
    assert target[0]["index"] in delegate["outputs"]


@pytest.mark.no_cover
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_tflite_buffers_are_inside_the_file_and_aligned(small, tmp_path, precision):
    content = written(small, tmp_path, "tflite", precision).path.read_bytes()
    assert content[4:8] == b"TFL3"
    model = schema.Model.GetRootAs(content, 0)
    buffers = [model.Buffers(number) for number in range(model.BuffersLength())]
    filled = [buffer for buffer in buffers if not buffer.DataIsNone()]
    starts = [buffer._tab.Vector(buffer._tab.Offset(4)) for buffer in filled]
    assert len(starts) > 100 and all(start % 16 == 0 for start in starts)
    assert not any(buffer.Offset() for buffer in buffers)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_tflite_has_a_signature_with_float_inputs_and_outputs(small, tmp_path, precision):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(written(small, tmp_path, "tflite", precision).path))
    runner = interpreter.get_signature_runner("serving_default")
    (source,), (target,) = runner.get_input_details().items(), runner.get_output_details().items()
    assert (source[0], target[0]) == ("input", "output")
    assert source[1]["dtype"] == target[1]["dtype"] == np.float32
    assert interpreter.get_output_details()[0]["name"] == "output"


@pytest.mark.no_cover
def test_int8_onnx_is_u8s8_per_channel(small, tmp_path):
    lowered = written(small, tmp_path, "onnx", "int8", rng=np.random.default_rng(2))
    graph = onnx.load(lowered.path).graph
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    quantizers = [node for node in graph.node if node.op_type == "QuantizeLinear"]
    assert len(quantizers) > 40
    assert {arrays[node.input[2]].dtype for node in quantizers} == {np.dtype(np.uint8)}
    scales = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert convolutions
    for node in convolutions:
        weight, scale, _ = scales[node.input[1]].input
        assert arrays[weight].dtype == np.int8
        assert arrays[scale].shape == (len(arrays[weight]),), "one scale a channel"
        assert np.abs(arrays[weight]).max() <= 64, "7 bits, else 16-bit sums overflow on AVX2"
    assert not any(array.dtype == np.float32 and array.ndim == 4 for array in arrays.values())


@pytest.mark.no_cover
def test_int8_tflite_is_integer_from_end_to_end(small, tmp_path):
    lowered = written(small, tmp_path, "tflite", "int8", rng=np.random.default_rng(2))
    model = read_tflite(lowered.path)
    graph = model.subgraphs[0]
    boundary = {*graph.inputs, *graph.outputs}
    types = Counter(
        TYPES[tensor.type] for index, tensor in enumerate(graph.tensors) if index not in boundary
    )
    assert set(types) == {"INT8", "INT32"}
    weights = [
        graph.tensors[op.inputs[1]]
        for name, op in tflite_operators(model)
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D")
    ]
    assert weights
    for tensor in weights:
        channels = max(tensor.shape[0], tensor.shape[3] if tensor.shape[0] == 1 else 0)
        assert TYPES[tensor.type] == "INT8" and len(tensor.quantization.scale) == channels


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["onnx", "tflite"])
def test_int8_stays_close_to_fp32(small, tmp_path, name):
    lowered = written(small, tmp_path, name, "int8", rng=np.random.default_rng(2))
    assert lowered.drift["samples"] == 16
    assert 0.98 < lowered.drift["cosine"] < 1
    assert lowered.drift["max_abs"] > 0
    assert 0 <= lowered.drift["top1_agreement"] <= 1
    full = written(small, tmp_path, name)
    assert full.drift is None and lowered.size_bytes < 0.6 * full.size_bytes


@pytest.mark.parametrize("name", ["onnx", "tflite", "torch"])
def test_fp16_stays_very_close_and_halves_the_file(small, tmp_path, name):
    calibration = np.random.default_rng(3).standard_normal((2, 48, 48, 3), np.float32)
    lowered = written(small, tmp_path, name, "fp16", calibration=calibration)
    assert lowered.drift["samples"] == 2 and lowered.drift["cosine"] > 0.9999
    assert lowered.drift["max_abs"] > 0
    assert lowered.size_bytes < 0.65 * written(small, tmp_path, name).size_bytes


@pytest.mark.parametrize("name", ["onnx", "tflite"])
def test_int8_of_nasbench201_stays_close_too(tmp_path, name):
    space = NasBench201Space(cells=1)
    network = space.network(np.array([4, 3, 2, 1, 0, 4], np.int8))
    subject = network, random_weights(network, np.random.default_rng(0))
    assert written(subject, tmp_path, name, "int8", batch=2).drift["cosine"] > 0.98


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["onnx", "tflite"])
def test_calibration_sets_the_ranges(small, tmp_path, name):
    """Inputs far outside the calibrated range are clipped: the calibration is really used."""
    narrow = 1e-3 * np.ones((4, 48, 48, 3), np.float32)
    lowered = written(small, tmp_path, name, "int8", calibration=narrow)
    wide = [[np.full((1, 48, 48, 3), 1.0, np.float32)], [np.full((1, 48, 48, 3), 9.0, np.float32)]]
    one, nine = formats.get(name)().run(lowered.path, wide)
    assert np.array_equal(one, nine)


@pytest.mark.no_cover
def test_quantization_leaves_nothing_behind_and_says_nothing(small, tmp_path, monkeypatch, capfd):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    images = np.random.default_rng(3).standard_normal((2, 48, 48, 3), np.float32)
    for name in ("onnx", "tflite"):
        written(small, tmp_path, name, "int8", calibration=images)
    assert list(scratch.iterdir()) == []
    assert sorted(path.name for path in tmp_path.iterdir() if path != scratch) == [
        *("model.onnx", "model.tflite")
    ]
    out, err = capfd.readouterr()
    assert out == ""
    assert all(line.startswith("INFO: Created TensorFlow Lite") for line in err.splitlines())


def test_lowered_describes_the_file(small, tmp_path):
    lowered = written(small, tmp_path, "onnx", batch=3)
    content = lowered.path.read_bytes()
    assert lowered.sha256 == hashlib.sha256(content).hexdigest()
    assert lowered.size_bytes == len(content)
    assert (lowered.format, lowered.precision, lowered.batch) == ("onnx", "fp32", 3)
    dims = onnx.load_from_string(content).graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_value for dim in dims] == [3, 3, 48, 48]


@pytest.mark.parametrize("name", ["onnx", "tflite"])  # TorchScript numbers its classes anew
def test_the_same_network_and_weights_give_the_same_bytes(small, tmp_path, name):
    assert written(small, tmp_path, name).sha256 == written(small, tmp_path, name).sha256


def test_unknown_formats_and_precisions_are_named(small, tmp_path):
    with pytest.raises(UsageError, match=r"no model format is called 'tflit'.*\n.*tflite"):
        lower(*small, tmp_path / "m", "tflit")
    with pytest.raises(UsageError, match="'int4': expected fp32 or fp16 or int8"):
        written(small, tmp_path, "onnx", "int4")
    with pytest.raises(UsageError, match="expected fp32 or fp16\nFormats with int8: onnx, tflite"):
        written(small, tmp_path, "torch", "int8")
    with pytest.raises(UsageError, match="batch is 0"):
        written(small, tmp_path, "onnx", batch=0)
    assert list(tmp_path.iterdir()) == []


def test_calibration_of_the_wrong_shape_is_named(small, tmp_path):
    inputs = np.zeros((4, 3, 48, 48), np.float32)
    with pytest.raises(UsageError, match=r"\(4, 3, 48, 48\), expected .* = \(48, 48, 3\)"):
        written(small, tmp_path, "tflite", "int8", calibration=inputs)


def test_weights_that_do_not_fit_are_named(small, tmp_path):
    network, weights = small
    name = "classifier.linear.bias"
    wrong = {key: value for key, value in weights.items() if key != name} | {"extra": weights[name]}
    with pytest.raises(UsageError) as error:
        lower(network, wrong, tmp_path / "m.onnx", "onnx")
    assert f"1 of {len(weights)} arrays are missing: {name}" in str(error.value)
    assert "do not belong to this network: extra" in str(error.value)


def test_missing_extras_are_named(small, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer", None)
    with pytest.raises(UsageError, match=r"pip install 'nasprof\[int8\]'"):
        written(small, tmp_path, "tflite", "int8")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match=r"pip install 'nasprof\[torch\]'"):
        written(small, tmp_path, "torch")


def test_a_place_that_cannot_be_written_is_named(small, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NasprofError, match="cannot write"):
        lower(*small, tmp_path / "file" / "m.onnx", "onnx")


@pytest.mark.no_cover
def test_the_quantizer_makes_its_folders_in_ours(small, tmp_path, monkeypatch):
    """If the process is killed, no folder is left whose name nobody sweeps."""
    made = []
    make = tempfile.mkdtemp

    def noted(*args, **options):
        made.append(Path(make(*args, **options)))
        return str(made[-1])

    monkeypatch.setattr(tempfile, "mkdtemp", noted)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    lower(*small, tmp_path / "a.onnx", "onnx", FileOptions("int8"))
    assert any(path.name.startswith("ort.quant") for path in made)
    assert {path.name[:8] for path in made if path.parent == tmp_path} == {"nasprof-"}
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"]


def test_quantizing_leaves_the_path_of_modules_as_it_was():
    code = (
        "import sys\nfrom profiler.lowering.onnx_int8 import _quantization\n"
        "path = list(sys.path)\n_quantization()\nassert sys.path == path, set(sys.path) - set(path)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
