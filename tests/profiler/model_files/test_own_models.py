"""Model files that nobody here made: what they run on, what is said of it, what is refused."""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
import onnx
import peers
import pytest
from ai_edge_litert import schema_py_generated as schema
from console import accepted, console, refused
from data_files import DATA
from hypothesis import given
from hypothesis import strategies as st
from measuring import measure
from onnx import TensorProto as T
from onnx import helper as h

from devices import ModelDetails, RunnerRefused, RunSettings
from devices.cpu import CpuDevice
from devices.digest import model_digest
from devices.profile_files import find_profile, open_device
from devices.runner.adapters import get_adapter
from devices.runner.models import Inputs, Refused, TensorInfo
from devices.tflite_inputs import tool_inputs
from nasprof.errors import UsageError
from profiler.cli import main
from profiler.measuring.inputs import batch_of, is_guess
from profiler.measuring.interruption import Interrupted
from profiler.measuring.protocol import parse_protocol
from profiler.model_files.inputs import ModelInputs
from profiler.model_files.model_file import ModelFile
from profiler.model_files.onnx_values import known_values
from profiler.model_files.own import own_details, own_files

MODELS = DATA / "models"
TWO = MODELS / "two_signatures.tflite"
QUICK = ("--protocol", "fixed:runs=2,rounds=1")
invoke = console(main)


def info(name, shape, kind=T.FLOAT):
    return h.make_tensor_value_info(name, kind, shape)


def written(path, nodes, inputs, outputs, initializers=(), domain=""):
    """An ONNX file of a graph."""
    graph = h.make_graph(list(nodes), "g", list(inputs), list(outputs), list(initializers))
    opsets = [h.make_opsetid("", 17), *([h.make_opsetid(domain, 3)] if domain else [])]
    model = h.make_model(graph, opset_imports=opsets, ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def relu(path, shape, kind=T.FLOAT):
    node = h.make_node("Relu", ["x"], ["y"])
    return written(path, [node], [info("x", shape, kind)], [info("y", None, kind)])


def convolution(path, shape):
    """Eight 3x3 filters without padding: less than 3 pixels are too few."""
    weights = onnx.numpy_helper.from_array(np.ones((8, 3, 3, 3), np.float32), "w")
    node = h.make_node("Conv", ["x", "w"], ["y"])
    return written(path, [node], [info("x", shape)], [info("y", None)], [weights])


def counting(path):
    """Adds 1 to ``a`` as often as ``n`` says."""
    body = h.make_graph(
        [
            h.make_node("Identity", ["go"], ["go_on"]),
            h.make_node("Add", ["sum", "one"], ["next"]),
        ],
        "body",
        [info("i", [], T.INT64), info("go", [], T.BOOL), info("sum", [1])],
        [info("go_on", [], T.BOOL), info("next", [1])],
    )
    loop = h.make_node("Loop", ["n", "", "a"], ["y"], body=body)
    one = onnx.numpy_helper.from_array(np.ones(1, np.float32), "one")
    return written(path, [loop], [info("n", [], T.INT64), info("a", [1])], [info("y", [1])], [one])


def with_external_weights(folder, fill):
    folder.mkdir()
    weights = onnx.numpy_helper.from_array(np.full((64, 64), fill, np.float32), "w")
    node = h.make_node("MatMul", ["x", "w"], ["y"])
    path = written(folder / "m.onnx", [node], [info("x", [1, 64])], [info("y", [1, 64])], [weights])
    onnx.save(
        onnx.load(path),
        path,
        save_as_external_data=True,
        location="m.onnx_data",
        size_threshold=0,
    )
    return path


def measured(*args):
    return accepted(invoke("measure", *QUICK, "--json", *args))


def shapes(record):
    return {tensor["name"]: tensor["shape"] for tensor in record["inputs"]}


# --- sizes ------------------------------------------------------------------------------------


def arrays(tensors, **details):
    inputs = Inputs(0, details)
    made = inputs.arrays([TensorInfo(*tensor) for tensor in tensors])
    return inputs, {name: list(array.shape) for name, array in made.items()}


DECODER = [
    ("input_ids", ["batch_size", "sequence_length"], "int64"),
    ("attention_mask", ["batch_size", "past_sequence_length + 1"], "int64"),
    ("total_mask", ["batch_size", "total_sequence_length"], "int64"),
    ("past_key_values.0.key", ["batch_size", 4, "past_sequence_length", 16], "float32"),
]


def test_sizes_of_one_name_are_the_same_and_sums_follow():
    inputs, made = arrays(DECODER, sizes={"past_sequence_length": 31}, batch=2)
    assert made == {
        "input_ids": [2, 1],
        "attention_mask": [2, 32],
        "total_mask": [2, 32],
        "past_key_values.0.key": [2, 4, 31, 16],
    }
    mask = inputs.described[1]
    assert (mask["from"], mask["assumed"], mask["batch"]) == ("given", [], 2)
    assert inputs.described[0]["assumed"] == [
        {"axis": 1, "size_name": "sequence_length", "size": 1, "batch": False}
    ]


def test_a_shape_that_was_said_gives_its_names_to_all_inputs():
    _, made = arrays(
        [("x", ["n", 3, "h", "w"], "float32"), ("y", ["n", "h*w"], "float32")],
        shapes={"x": [2, 3, 6, 4]},
    )
    assert made == {"x": [2, 3, 6, 4], "y": [2, 24]}


def test_a_mask_without_names_covers_what_is_cached_and_what_is_new():
    _, made = arrays(
        [
            ("input_ids", [1, 5], "int64"),
            ("attention_mask", [1, None], "int64"),
            ("past.key", [1, 4, 7, 16], "float32"),
        ]
    )
    assert made["attention_mask"] == [1, 12]


def test_open_sizes_are_one_colours_three_and_all_is_told():
    inputs, made = arrays([("x", [None, None, "h", -1], "float32")])
    assert made == {"x": [1, 3, 1, 1]}
    (tensor,) = inputs.described
    assert [size["axis"] for size in tensor["assumed"]] == [0, 1, 2, 3]
    assert [size["batch"] for size in tensor["assumed"]] == [True, False, False, False]
    assert is_guess(inputs.described)


def test_a_batch_of_one_is_no_doubt():
    inputs, _ = arrays([("x", ["batch", 3, 8, 8], "float32")])
    assert not is_guess(inputs.described)
    assert batch_of(inputs.described) == 1


def test_a_size_of_zero_stays():
    assert arrays([("cache", [1, 0, 16], "float32")])[1] == {"cache": [1, 0, 16]}


@pytest.mark.parametrize(
    ("details", "words"),
    [
        (
            {"shapes": {"x": [1, 4, 8, 8]}},
            "cannot have the shape .* the model has \\[n, 3, h, 8\\]",
        ),
        ({"shapes": {"x": [1, 3, 8]}}, "cannot have the shape"),
        ({"sizes": {"h": 1 << 31}}, "GiB"),
        ({"values": {"x": "ids:5"}}, "cannot hold ids"),
    ],
)
def test_what_cannot_be_is_refused(details, words):
    with pytest.raises(Refused, match=words):
        arrays([("x", ["n", 3, "h", 8], "float32")], **details)


def test_a_fixed_batch_is_kept_and_another_refused():
    fixed = [("x", [8, 3, 4, 4], "float32")]
    assert arrays(fixed, batch=8)[1] == {"x": [8, 3, 4, 4]}
    with pytest.raises(Refused, match="fixed at 8, 3 was asked for"):
        arrays(fixed, batch=3)
    with pytest.raises(Refused, match="no input of the model has one"):
        arrays([("x", [8], "float32")], batch=8)


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "int4", "complex64", "V2"])
def test_types_that_no_values_are_made_of_are_named(dtype):
    with pytest.raises(Refused, match=f"input x is of type {dtype}"):
        arrays([("x", [1], dtype)])


names = st.sampled_from(["n", "h", "w", "past + 1", "past", None])
sizes = st.one_of(st.integers(0, 4), names)


@given(
    st.lists(st.lists(sizes, max_size=4), min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(["n", "h", "past"]), st.integers(0, 5)),
)
def test_made_inputs_fit_and_what_is_not_said_is_told(rows, said):
    tensors = [TensorInfo(f"x{i}", row, "float32") for i, row in enumerate(rows)]
    inputs = Inputs(0, {"sizes": said})
    made = inputs.arrays(tensors)
    for tensor, described in zip(tensors, inputs.described, strict=True):
        assert tensor.fits(made[tensor.name].shape)
        assert described["shape"] == list(made[tensor.name].shape)
        fixed = [size for size in tensor.sizes if isinstance(size, int) or size in said]
        if len(fixed) == len(tensor.sizes):
            assert described["assumed"] == []
        for size, label in zip(made[tensor.name].shape, tensor.sizes, strict=True):
            assert label not in said or size == said[label]


# --- values -----------------------------------------------------------------------------------


def values(asked, dtype="int64", shape=(2, 3), **details):
    inputs = Inputs(0, {"values": {"x": asked}, **details})
    return inputs.arrays([TensorInfo("x", shape, dtype)])["x"]


def test_values_are_as_asked(tmp_path):
    assert values("zeros").tolist() == [[0] * 3] * 2
    assert values("range").tolist() == [[0, 1, 2], [3, 4, 5]]
    assert values("range", "uint8", (300,)).max() == 255
    assert values("100").tolist() == [[100] * 3] * 2
    ids = values("ids:30522", shape=(2000,))
    assert ids.min() >= 0
    assert 30000 < ids.max() < 30522
    np.save(tmp_path / "x.npy", np.arange(6).reshape(2, 3))
    path = f"file:{tmp_path / 'x.npy'}"
    assert values(path).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert values(path, shape=["n", None]).shape == (2, 3)
    with pytest.raises(Refused, match="cannot have the shape"):
        values(path, shape=(3, 3))
    with pytest.raises(Refused, match="holds int64"):
        values(path, "bool")


def test_text_is_said_to_inputs_of_text():
    assert Inputs(0).arrays([TensorInfo("x", [2], "str")])["x"].dtype == object


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"shapes": ["x"]}, "expected NAME=VALUE"),
        ({"shapes": ["x=1,a"]}, "expected sizes"),
        ({"shapes": ["x=1,-3"]}, "expected sizes"),
        ({"shapes": ["x=1", "x=2"]}, "both 1 and 2"),
        ({"dims": ["h=99999999999999999999"]}, "expected sizes"),
        ({"values": ["x=ids:0"]}, "at least 1"),
        ({"values": ["x=nosuch.npy"]}, "nosuch.npy does not exist"),
    ],
)
def test_words_that_cannot_be_read_are_named(words, message):
    with pytest.raises(UsageError, match=message):
        ModelInputs.parse(**words)


def test_words_are_read():
    said = ModelInputs.parse(["a:0=1,3,0", "s=scalar"], ["past + 1=2"], ["x=range"], 4, "decode")
    assert said.details == ModelDetails(
        {"a:0": (1, 3, 0), "s": ()}, {"past + 1": 2}, 4, {"x": "range"}, signature="decode"
    )


def test_a_file_that_is_no_array_is_named(tmp_path):
    path = tmp_path / "x.npy"
    path.write_bytes(
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, "
        b"'shape': (100000000000,), }" + b" " * 20 + b"\n"
    )
    with pytest.raises(UsageError, match=r"x\.npy is no \.npy file"):
        ModelInputs.parse(values=[f"x={path}"])


def test_the_graph_tells_what_inputs_must_hold(tmp_path):
    text = written(
        tmp_path / "m.onnx",
        [
            h.make_node("Reshape", ["x", "shape"], ["y"]),
            h.make_node("Tile", ["x", "repeats"], ["z"]),
            h.make_node("Expand", ["x", "wide"], ["same"]),
            h.make_node("Cast", ["rate"], ["rate_as_float"], to=T.FLOAT),
            h.make_node("Equal", ["rate_as_float", "sixteen"], ["fast"]),
            h.make_node("RNN", ["s", "w", "r", "", "lengths"], ["all"], hidden_size=2),
        ],
        [
            info("x", [2, 6]),
            info("shape", [3], T.INT64),
            info("wide", [1], T.INT64),
            info("repeats", [2], T.INT64),
            info("rate", [], T.INT64),
            info("s", ["steps", 1, 3]),
            info("lengths", [1], T.INT32),
            info("attention_mask", [1, 4], T.INT64),
        ],
        [info("y", [3, 2, 2]), info("z", [2, 18]), info("same", [2, 6]), info("fast", [], T.BOOL)],
        [onnx.numpy_helper.from_array(np.float32(16000), "sixteen")],
    )
    assert known_values(onnx.load(text)) == {
        "shape": {"value": [3, 2, 2]},
        "wide": {"value": [6]},
        "repeats": {"value": [1.0, 3.0]},
        "rate": {"value": 16000.0},
        "lengths": {"of": "s", "axis": 0},
        "attention_mask": {"value": 1},
    }


# --- as measured on this machine --------------------------------------------------------------


def test_open_sizes_are_assumed_told_and_doubted(tmp_path):
    path = relu(tmp_path / "m.onnx", ["batch", 3, "height", "width"])
    (record,) = measured("--model", path)
    assert shapes(record) == {"x": [1, 3, 1, 1]}
    assert record["inputs"][0]["from"] == "guessed"
    assert "guessed" in record["flags"]
    shown = invoke("measure", *QUICK, "--model", path)
    assert "assumed x: height = 1, x: width = 1" in shown.stdout.replace("\n", " ")
    assert "--dim height=N" in shown.stdout
    said = invoke("measure", *QUICK, "--model", path, "--json").stderr
    assert "assumed x: height = 1" in said


@pytest.mark.parametrize(
    "options",
    [
        ("--shape", "x=2,3,32,48"),
        ("--dim", "height=32", "--dim", "width=48", "--batch", "2"),
    ],
)
def test_sizes_are_as_said(tmp_path, options):
    path = relu(tmp_path / "m.onnx", ["batch", 3, "height", "width"])
    (record,) = measured("--model", path, *options)
    assert shapes(record) == {"x": [2, 3, 32, 48]}
    assert (record["inputs"][0]["from"], record["batch"]) == ("given", 2)
    assert "guessed" not in record["flags"]


def test_values_are_as_said(tmp_path):
    path = counting(tmp_path / "m.onnx")
    (assumed,) = measured("--model", path)
    (said,) = measured("--model", path, "--input", "n=100")
    assert "guessed" in assumed["flags"]
    assert "guessed" not in said["flags"]
    assert [tensor["values"] for tensor in said["inputs"]] == ["100", "random"]


def test_a_count_is_what_the_timed_runs_have(tmp_path):
    adapter = get_adapter("onnxruntime")(1, {})
    inputs = Inputs(0, {"values": {"n": "100", "a": "0.5"}})
    model = adapter.load(str(counting(tmp_path / "m.onnx")), inputs)
    model.run()
    assert model._binding.copy_outputs_to_cpu()[0].tolist() == [100.5]


def test_a_name_that_no_model_has_is_refused(tmp_path):
    a, b = (relu(tmp_path / f"{name}.onnx", [1, "h"]) for name in "ab")
    for models in ((a,), (a, b)):
        said = refused(invoke("measure", *QUICK, "--model", *models, "--dim", "hight=3"), 2)
        assert "no model has an input or open size called 'hight'" in said
        assert "a.onnx: x [1, h]" in said
    failing = convolution(tmp_path / "c.onnx", [1, 3, "h", "w"])
    said = refused(invoke("measure", *QUICK, "--model", failing, "--dim", "hight=3"), 2)
    assert "c.onnx: x [1, 3, h, w]" in said


def test_the_model_that_fails_is_named_and_the_others_are_measured(tmp_path):
    good, bad = (
        relu(tmp_path / "good.onnx", [1, 3]),
        convolution(tmp_path / "bad.onnx", [1, 3, "h", "w"]),
    )
    result = invoke("measure", *QUICK, "--json", "--model", bad, good)
    assert result.exit_code == 1
    assert [name for name in ("good.onnx", "bad.onnx") if name in result.stdout] == ["good.onnx"]
    assert result.stderr.count("bad.onnx cannot be measured with x float32 1x3x1x1") == 1
    assert "--dim h=N --dim w=N" in result.stderr
    assert "1 of 2 models were not measured" in result.stderr
    alone = refused(invoke("measure", *QUICK, "--model", bad), 1)
    assert alone.count("bad.onnx cannot be measured with x float32 1x3x1x1") == 1
    assert [
        shapes(each) for each in measured("--model", bad, good, "--dim", "h=8", "--dim", "w=8")
    ] == [
        {"x": [1, 3, 8, 8]},
        {"x": [1, 3]},
    ]


@pytest.mark.parametrize("word", ["crash", "raise"])
def test_a_model_that_ends_the_runner_leaves_the_others(tmp_path, monkeypatch, word):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "support"))
    for name in ("fine", word):
        (tmp_path / name).write_text(name)
    items = [
        ModelFile(name, tmp_path / name, details=ModelDetails(foreign=True))
        for name in (word, "fine")
    ]
    told = []
    found = measure(
        CpuDevice(find_profile("cpu")),
        RunSettings("faulty_adapter:Adapter"),
        items,
        parse_protocol("fixed:runs=2,rounds=1"),
        np.random.default_rng(0),
        failed=lambda name, error: told.append(name),
    )
    assert ([result.name for result in found], told) == (["fine"], [word])
    with pytest.raises(Interrupted, match=f"{word} cannot be measured"):
        measure(
            CpuDevice(find_profile("cpu")),
            RunSettings("faulty_adapter:Adapter"),
            items,
            parse_protocol("fixed:runs=2,rounds=1"),
            np.random.default_rng(0),
        )


def test_outputs_that_nobody_reads_do_not_matter(tmp_path):
    zipmap = h.make_node("ZipMap", ["x"], ["z"], domain="ai.onnx.ml", classlabels_int64s=[0, 1])
    sequence = h.make_sequence_type_proto(
        h.make_map_type_proto(T.INT64, h.make_tensor_type_proto(T.FLOAT, []))
    )
    path = written(
        tmp_path / "m.onnx",
        [zipmap],
        [info("x", [1, 2])],
        [h.make_value_info("z", sequence)],
        domain="ai.onnx.ml",
    )
    (record,) = measured("--model", path)
    assert shapes(record) == {"x": [1, 2]}


def test_an_input_without_a_rank_is_a_doubt(tmp_path):
    path = relu(tmp_path / "m.onnx", None)
    (assumed,) = measured("--model", path)
    assert (shapes(assumed), assumed["inputs"][0]["from"]) == ({"x": []}, "guessed")
    assert "guessed" in assumed["flags"]
    said = invoke("measure", *QUICK, "--model", path, "--csv").stderr
    assert "assumed x: no axes. Say what you mean: --shape x=SIZES" in said
    (said_,) = measured("--model", path, "--shape", "x=2,3")
    assert (shapes(said_), "guessed" in said_["flags"]) == ({"x": [2, 3]}, False)


@pytest.mark.parametrize("kind", [T.BFLOAT16, T.FLOAT8E4M3FN])
def test_inputs_that_cannot_be_made_are_refused_by_name(tmp_path, kind):
    path = relu(tmp_path / "m.onnx", [2], kind)
    said = refused(invoke("measure", *QUICK, "--model", path), 1)
    assert "m.onnx cannot be measured" in said


def test_a_model_that_cannot_be_made_ready_is_told_with_what_it_was_given(tmp_path):
    path = with_open_sizes(tmp_path / "m.tflite", 1)
    assert "with x float32 1x1: " in refused(invoke("measure", *QUICK, "--model", path), 1)
    assert measured("--model", path, "--shape", "x=2,256")[0]["batch"] == 2


def test_text_and_empty_inputs_run(tmp_path):
    text = written(
        tmp_path / "text.onnx",
        [h.make_node("Identity", ["x"], ["y"])],
        [info("x", ["n"], T.STRING)],
        [info("y", ["n"], T.STRING)],
    )
    empty = written(
        tmp_path / "empty.onnx",
        [h.make_node("Concat", ["x", "cache"], ["y"], axis=1)],
        [info("x", [1, 8, 16]), info("cache", [1, 0, 16])],
        [info("y", [1, 8, 16])],
    )
    records = measured("--model", text, empty)
    assert [shapes(record) for record in records] == [
        {"x": [1]},
        {"x": [1, 8, 16], "cache": [1, 0, 16]},
    ]


def test_digest_and_size_cover_weights_beside_the_model(tmp_path):
    a, b = (with_external_weights(tmp_path / name, fill) for name, fill in (("a", 1), ("b", 2)))
    first, second = measured("--model", a, b)
    assert first["model"]["sha256"] != second["model"]["sha256"]
    assert first["model"]["size_bytes"] > 64 * 64 * 4
    a.with_name("m.onnx_data").unlink()
    assert "m.onnx_data, which does not exist" in refused(invoke("measure", *QUICK, "--model", a))


def test_weights_outside_the_models_folder_are_refused(tmp_path):
    path = with_external_weights(tmp_path / "a", 1)
    model = onnx.load(path, load_external_data=False)
    for entry in model.graph.initializer[0].external_data:
        entry.value = "../secret" if entry.key == "location" else entry.value
    path.write_bytes(model.SerializeToString())
    with pytest.raises(UsageError, match="expected a file beside the model"):
        own_details(path, ModelDetails())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--precision", "int8"), "--precision says how a --arch is run"),
        (("--weights", "nosuch.npz"), "--weights says how a --arch is run"),
        (("--batch", "3"), "the model's batch is fixed at 8, 3 was asked for"),
        (("--signature", "x"), "has no signatures"),
    ],
)
def test_options_that_would_do_nothing_are_refused(tmp_path, options, words):
    path = relu(tmp_path / "m.onnx", [8, 3, 4, 4])
    result = invoke("measure", *QUICK, "--model", path, *options)
    assert result.exit_code in (1, 2)
    assert words in result.stderr


def test_the_title_tells_the_batch_that_ran(tmp_path):
    path = relu(tmp_path / "m.onnx", [8, 3, 4, 4])
    assert ", batch 8" in invoke("measure", *QUICK, "--model", path).stdout
    unknown = relu(tmp_path / "u.onnx", [64, 256])
    assert "batch" not in invoke("measure", *QUICK, "--model", unknown).stdout


def test_shape_options_are_refused_without_a_model():
    assert "--dim says how a --model is run" in refused(
        invoke("measure", "--arch", "a.json", "--dim", "h=3")
    )


# --- TFLite -----------------------------------------------------------------------------------


def test_of_several_signatures_the_one_asked_for_runs(tmp_path):
    (first,) = measured("--model", TWO)
    (other,) = measured("--model", TWO, "--signature", "decode")
    assert first["model"]["signature"] == "embed"
    assert first["model"]["signatures"] == ["embed", "decode"]
    assert (shapes(first), shapes(other)) == ({"x": [1, 4]}, {"x": [64, 256]})
    shown = " ".join(invoke("measure", *QUICK, "--model", TWO).stdout.split())
    assert "ran signature embed of embed, decode (--signature)" in shown
    said = refused(invoke("measure", *QUICK, "--model", TWO, "--signature", "q"), 1)
    assert "no signature 'q' (it has: embed, decode)" in said


def test_the_second_graph_computes_what_is_its_own():
    device = CpuDevice(find_profile("cpu"))
    with device.open(RunSettings("litert")) as session:
        session.load({"m": TWO}, {"m": ModelDetails(signature="decode")})
        x = np.random.default_rng(0).standard_normal((64, 256)).astype(np.float32)
        (y,) = session.outputs("m", {"x": x}).values()
    weights = _second_graphs_weights()
    np.testing.assert_allclose(y, x @ weights.T, rtol=1e-4, atol=1e-4)


def _second_graphs_weights():
    model = schema.ModelT.InitFromPackedBuf(TWO.read_bytes(), 0)
    graph = model.subgraphs[1]
    weights = graph.tensors[graph.operators[0].inputs[1]]
    return model.buffers[weights.buffer].data.view(np.float32).reshape(weights.shape)


def with_open_sizes(path, kept):
    """A TFLite file of one graph of the two, whose sizes are open."""
    model = schema.ModelT.InitFromPackedBuf(TWO.read_bytes(), 0)
    model.signatureDefs, model.subgraphs = [model.signatureDefs[kept]], [model.subgraphs[kept]]
    model.signatureDefs[0].subgraphIndex = 0
    (graph,) = model.subgraphs
    for index in (*graph.inputs, *graph.outputs):
        graph.tensors[index].shape = [1, 1]
        graph.tensors[index].shapeSignature = [-1, -1]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(builder.Output())
    return path


@pytest.fixture
def open_tflite(tmp_path: Path):
    return with_open_sizes(tmp_path / "open.tflite", 0)


def test_open_sizes_of_tflite_are_assumed_or_as_said(open_tflite):
    (assumed,) = measured("--model", open_tflite)
    assert shapes(assumed) == {"x": [1, 1]}
    assert "guessed" in assumed["flags"]
    (said,) = measured("--model", open_tflite, "--shape", "x=2,40")
    assert (shapes(said), said["batch"]) == ({"x": [2, 40]}, 2)


def test_benchmark_model_is_told_of_inputs(open_tflite):
    said = ModelInputs.parse(["x=2,40"], values=["x=zeros"])
    tool = tool_inputs(open_tflite, said.details)
    assert tool.flags == (
        "--input_layer=x",
        "--input_layer_shape=2,40",
        "--input_layer_value_range=x,0,0",
    )
    assert shapes(tool.tensors) == {"x": [2, 40]}
    assert tool_inputs(TWO, ModelDetails()).flags == ("--signature_to_run_for=embed",)


def test_benchmark_model_is_told_of_signatures_and_files(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((64, 256), np.float32))
    said = ModelInputs.parse(values=[f"x={tmp_path / 'x.npy'}"], signature="decode")
    tool = tool_inputs(TWO, said.details)
    assert tool.flags == (
        "--signature_to_run_for=decode",
        "--input_layer=x",
        "--input_layer_shape=64,256",
    )
    assert tool.files == {"x": np.ones((64, 256), np.float32).tobytes()}
    assert tool.all_flags(lambda name: f"/d/{name}")[-1] == "--input_layer_value_files=x:/d/x"
    with pytest.raises(RunnerRefused, match="cannot make range"):
        tool_inputs(TWO, ModelInputs.parse(values=["x=range"]).details)


# --- on a device ------------------------------------------------------------------------------


@pytest.mark.adbd
def test_external_weights_and_input_files_travel_with_the_model(tmp_path):
    a, b = (with_external_weights(tmp_path / name, fill) for name, fill in (("a", 1), ("b", 2)))
    np.save(tmp_path / "x.npy", np.ones((1, 64), np.float32))
    said = ModelInputs.parse(values=[f"x={tmp_path / 'x.npy'}"])
    items = own_files([a, b], said.details)
    with peers.running_phone() as phone:
        profile = phone.profile(runner="json", timeout_s=20, cool_limit_s=0)
        with open_device(profile).open(RunSettings("onnxruntime")) as session:
            session.load(
                {item.name: item.path for item in items},
                {item.name: item.details for item in items},
            )
            x = np.ones((1, 64), np.float32)
            sums = [session.outputs(item.name, {"x": x})["y"][0, 0] for item in items]
            assert sums == [64.0, 128.0]
            told = session.tensors(items[0].name)["inputs"][0]
            assert told["values"].endswith(".npy")
    assert model_digest(a, (a.with_name("m.onnx_data"),)) != model_digest(a)
