"""Files that are broken or mean harm end as a named error, whatever they hold."""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tables import CELLS, audited_table, made_up_table

from devices.profile_files import parse_profile
from luts import CostModelInvalid, read_cost_model
from luts.digest import digest
from luts.formats.yaml_text import parse_yaml
from nasprof.arrays import ArraysInvalid, read_npy, read_npz
from nasprof.errors import NasprofError, UsageError
from nasprof.json_text import JsonInvalid, parse_json, plain_json
from nasprof.jsonl import read_jsonl
from nasprof.reading import gunzipped, read_bytes, read_text
from nasprof.state_dict import read_state
from nasprof.toml_text import parse_toml
from profiler.cli import main as nasprof
from profiler.lowering.checkpoint import load_weights
from profiler.lowering.fold import checked_fold
from profiler.measuring.journal import Journal
from profiler.measuring.protocol import Protocol, protocols
from profiler.model_files.lowered import read_calibration
from search.accuracy import read_accuracy_model
from search.accuracy.files import accuracy_files
from search.accuracy.measurements import read_measurements
from search.archives.stored import read_archive
from search.cli import main as nassearch
from search.model_arrays import ModelArrays, parse_arrays, read_arrays
from spaces import get_space, read_archs
from spaces.weights import random_weights

ARCH = {
    "space": "ofa-mbv3",
    "width": 1.0,
    "resolution": 224,
    "depths": [2] * 5,
    "kernel_sizes": [3] * 20,
    "expand_ratios": [4] * 20,
}
BIG = "9" * 400
HUGE = "9" * 5000


def nested(depth, opened="[", closed="]"):
    return opened * depth + "1" + closed * depth


# --- what is read at all -------------------------------------------------------------------------


def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, what in (
        (tmp_path / "pipe", "is a named pipe, expected a file"),
        ("/dev/zero", "is a device, expected a file"),
        (tmp_path, "Is a directory"),
        (tmp_path / "none", "No such file"),
        (tmp_path / "a\0b", "null byte"),
    ):
        with pytest.raises(UsageError, match=what):
            read_bytes(type(tmp_path)(path))


@pytest.mark.parametrize("source", ["pipe", "/dev/zero"])
def test_architectures_from_no_file_are_refused_by_the_command(tmp_path, source):
    os.mkfifo(tmp_path / "pipe")
    result = CliRunner().invoke(nasprof, ["describe", "--arch", str(tmp_path / source)])
    assert result.exit_code == 2
    assert "expected a file" in result.stderr


def test_a_file_is_limited_before_it_is_read_and_while(tmp_path):
    path = tmp_path / "large.json"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)  # sparse
    with pytest.raises(UsageError, match=r"large\.json has 1,048,576 MiB, expected at most 16 MiB"):
        read_text(path, "JSON")
    with pytest.raises(UsageError, match=r"maps has .* expected at most"):
        read_bytes(type(path)("/proc/self/maps"), limit=10)  # a size of 0, and contents


def test_text_loses_its_byte_order_mark_and_other_bytes_are_named(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf[1]")
    assert parse_json(read_text(path, "JSON"), path) == [1]
    path.write_bytes(b"kind='cpu'\nx=\xff\n")
    with pytest.raises(UsageError, match=r"a\.json is no UTF-8 \(byte 13\): expected a profile"):
        read_text(path, "a profile")


def test_gzip_is_unpacked_up_to_a_limit(tmp_path):
    assert gunzipped(gzip.compress(b"abc"), tmp_path, 3) == b"abc"
    with pytest.raises(UsageError, match="decompressed, has more than"):
        gunzipped(gzip.compress(b"abcd"), tmp_path, 3)
    with pytest.raises(UsageError, match="no whole gzip file"):
        gunzipped(gzip.compress(b"abcd" * 99)[:-9], tmp_path, 1000)


def test_a_table_of_networks_that_unpacks_to_gigabytes_is_refused(tmp_path):
    path = tmp_path / "t.csv.gz"
    block = gzip.compress(b"0" * (16 << 20), 6)
    path.write_bytes(gzip.compress(b"arch,top1\n") + block * 128)
    assert path.stat().st_size < 4 << 20
    with pytest.raises(UsageError, match=r"t\.csv\.gz, decompressed, has more than 16 MiB"):
        read_measurements(path)


# --- JSON ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (nested(51), "nested more than 50 levels deep"),
        ("[" * 100_000, "nested more than 50 levels deep"),
        ('{"a":' * 2000, "nested more than 50 levels deep"),
        (f"[{BIG}]", r"the number 99999999999999999999\.\.\. has 400 digits, expected at most 100"),
        (HUGE, "has 5,000 digits"),
        (f"-{HUGE}", "has 5,001 digits"),
        (f"0.{HUGE}", "has 5,002 digits"),
        ("1e999", "1e999 is too large a number"),
        ('{"a": NaN}', r"line 1, after '{\"a\":': NaN is no number"),
        ('{"NaN": 1,\n "b": [-Infinity]}', r"line 2, after .*: -Infinity is no number"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "the key 'c' stands twice in one object"),
        (json.dumps({"x" * 1001: 1}), "a key has 1,001 characters, expected at most 1,000"),
        (json.dumps({"x": "y" * (1 << 20) + "y"}), "'x' is a text of 1,048,577 characters"),
        ('"\\ud800"', "holds half a character"),
        ('{"\\udfff": 1}', "holds half a character"),
        (f"[{'1,' * 2_000_001}1]", "more than 2,000,000 values"),
        ("", "line 1, column 1: it is empty"),
        ("[1, 2", "line 1, column 6: Expecting ',' delimiter"),
        ("{'a': 1}", "Expecting property name"),
    ],
)
def test_json_within_limits(text, why):
    with pytest.raises(UsageError, match=rf"^x is not valid JSON: .*{why}") as caught:
        parse_json(text, "x")
    assert len(str(caught.value)) < 300


def test_json_of_the_limits_is_read():
    assert parse_json(nested(50), "x")
    assert plain_json(b'{"a": 1e300, "b": "\\ud83d\\ude42 [[[", "c": -0.5}')["b"] == "🙂 [[["
    assert plain_json("9" * 100) == 10**100 - 1
    brackets = json.dumps(['"[' * 100] * 3)
    assert plain_json(brackets) == json.loads(brackets)


@pytest.mark.parametrize("text", ['{"a": 1.5, "b": ["\\u00e9x", -2e-5, true, null]}', "[12, 3]"])
def test_only_what_was_cut_off_is_said_to_be_truncated(text):
    for end in range(1, len(text)):
        with pytest.raises(JsonInvalid) as caught:
            plain_json(text[:end])
        assert caught.value.truncated, text[:end]
    for wrong in ("[1, 2]]", "{'a': 1}", '{"a": 1 "b": 2}', '{"a": x}', "NaN", '{"a": 1, "a": 2}'):
        with pytest.raises(UsageError) as refused:
            parse_json(wrong, "x")
        assert refused.value.remedy is None, wrong


def test_a_line_of_json_that_was_damaged_is_named_and_one_that_was_cut_off_left_out(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n{"b": 2, "c\n\n\0\0\0\0\n{"d": 4}\n{"e"')
    assert list(read_jsonl(path)) == [{"a": 1}, {"d": 4}]
    for line, why in (
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": 1} x', "Extra data"),
        (b"[1]", "is .1., expected an object"),
        (b'{"a": 1, "a": 1}', "stands twice"),
        (b"\xff\xfe", "no UTF-8"),
        (nested(100).encode(), "nested"),
    ):
        path.write_bytes(b'{"a": 1}\n' + line + b'\n{"b": 2}\n')
        with pytest.raises(UsageError, match=rf"a\.jsonl, line 2 .*{why}"):
            list(read_jsonl(path))


# --- TOML and YAML -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"x = {HUGE}", "a number has thousands of digits"),
        (f"x = {BIG}", "x is 'a number of .* bits', which is no plain value"),
        (f"x = {nested(60)}", "nested more than 50 levels deep"),
        (f"x = {'[' * 5000}", "nested too deeply|not valid TOML"),
        (".".join(["a"] * 999) + " = 1", "nested more than 50 levels deep"),
        ("x = nan", "x is nan, which is no plain value"),
        ("x = 1979-05-27", "x is datetime.date"),
        ("x = 1\nx = 2", "Cannot overwrite a value"),
    ],
)
def test_toml_within_limits(text, why):
    with pytest.raises(UsageError, match=rf"^d\.toml is not valid TOML: .*({why})"):
        parse_toml(text, "d.toml")
    with pytest.raises(UsageError, match=r"^d\.toml is not valid TOML"):
        parse_profile("d", f'kind = "cpu"\n{text}\n', "d.toml")


MERGES = "".join(
    f"{name}: &{name} {{<<: [{','.join([f'*{before}'] * 9)}]}}\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 100_000, "line 1: this is no plain YAML: it is nested more than 10 levels"),
        ("- " * 50_000, "line 1: this is no plain YAML: it is nested more than 10 levels"),
        (f"a: &a {{x: 1}}\n{MERGES}", "line 1: .* it has an anchor"),
        ("a: *b", "line 1: .* an alias"),
        ("a: {<<: {b: 1}}", "line 1: .* merges keys"),
        ("a: !!timestamp x", "line 1: .* it has the tag 'tag:yaml.org,2002:timestamp'"),
        ("a: !!int ''", "it has the tag"),
        ("a: !!map [1]", "it has the tag"),
        ("a: !\nb: 1", "it has the tag '!'"),
        ("a: !!python/object/apply:os.system [false]", "it has the tag"),
        ("a: [b, c]: d", "this is no plain YAML"),
        ("? [a]\n: b", "a key is no name"),
        (f"{'k' * 1001}: 1", "this is no plain YAML"),
        (f"a: {'1' * 500}", "this is no plain YAML: a is 'a number of"),
        ("a: 1.0e+999", "a is inf, which is no plain value"),
        ("a: b: c", "this is no plain YAML"),
        ("\0", "this is no plain YAML"),
        (f"a: [{'1, ' * 30_000}]", "more than 10,000 values"),
        ("#" * 600_000, "has 600,000 characters, expected at most 262,144"),
    ],
)
def test_yaml_within_limits(text, why):
    with pytest.raises(UsageError, match=f"t.yaml.*{why}"):
        parse_yaml("t.yaml", text)


def test_yaml_has_the_numbers_of_json():
    text = (
        "a: {mean: 1.5, std: 1e-3, count: 10}\nb: 0x10\nc: 1:30\nd: 2001-01-01\ne: .nan\nf: 012\n"
    )
    assert parse_yaml("t", text) == {
        "a": {"mean": 1.5, "std": 1e-3, "count": 10},
        **{"b": "0x10", "c": "1:30", "d": "2001-01-01", "e": ".nan", "f": 12.0},
    }


# --- arrays --------------------------------------------------------------------------------------


def npy_bytes(shape="(2, 2)", descr="'<f4'", data=bytes(16)):
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (npy_bytes("(1000000, 1000000, 3, 3)"), "its header promises 36,000,000,000,000 bytes, it"),
        (npy_bytes("(2,)"), "its header promises 8 bytes, it holds 16"),
        (npy_bytes("(-4,)"), "which no array has"),
        (npy_bytes("(0, 99999999999999999999999)"), "which no array has"),
        (npy_bytes("(True,)"), "no array"),
        (npy_bytes(descr="'|O'"), "pickled objects, which may run code"),
        (npy_bytes(descr="'<U1'"), "is <U1, expected numbers"),
        (npy_bytes("(2,)", "'<c8'"), "is complex64, expected numbers"),
        (npy_bytes(descr="'|V4'"), "expected numbers"),
        (npy_bytes("(" * 300 + ")" * 300), "is no array"),
        (b"\x93NUMPY\x09\x00" + bytes(100), "is an array of an unknown version"),
        (b"", "is no array"),
    ],
)
def test_an_array_is_what_its_header_says(tmp_path, content, why):
    (tmp_path / "c.npy").write_bytes(content)
    with pytest.raises(ArraysInvalid, match=rf"c\.npy.*{why}"):
        read_npy(tmp_path / "c.npy")
    with zipfile.ZipFile(tmp_path / "c.npz", "w") as archive:
        archive.writestr("w.npy", content)
    with pytest.raises(ArraysInvalid, match=rf"c\.npz: w.*{why}"):
        read_npz(tmp_path / "c.npz")


def test_arrays_are_read_as_numpy_reads_them(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "a": rng.normal(size=(3, 4)),
        "b": np.asfortranarray(rng.normal(size=(3, 4)).astype(np.float32)),
        "c": np.arange(6, dtype=">i4").reshape(1, 2, 3),
        "d": np.array(True),
        "e": np.zeros((0, 3), np.int8),
    }
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **arrays)
        found = read_npz(tmp_path / "a.npz")
        assert found.keys() == arrays.keys()
        for name, array in arrays.items():
            assert np.array_equal(found[name], array)
            assert found[name].flags.c_contiguous
            assert found[name].flags.writeable


def bomb(path, members=1):
    """Zeros that unpack to a thousand times their size."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(members):
            archive.writestr(f"{number}.npy", npy_bytes(f"({40 << 18},)", data=bytes(40 << 20)))


def test_arrays_that_unpack_to_more_than_weights_do_are_refused(tmp_path):
    bomb(tmp_path / "b.npz", 3)
    for read in (read_npz, read_arrays, read_accuracy_model):
        with pytest.raises(
            UsageError, match=r"b\.npz would unpack to 120 MiB, expected at most 48"
        ):
            read(tmp_path / "b.npz")


def test_members_are_arrays_with_names_of_their_own_and_not_encrypted(tmp_path):
    path = tmp_path / "a.npz"
    for name, why in (
        ("w", "'w' is no array, expected NAME"),
        ("x" * 1100 + ".npy", "longer than"),
    ):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, npy_bytes())
        with pytest.raises(ArraysInvalid, match=why):
            read_npz(path)
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("w.npy", npy_bytes())
        archive.writestr("w.npy", npy_bytes())
    with pytest.raises(ArraysInvalid, match="members of the same name"):
        read_npz(path)
    np.savez(path, w=np.zeros(3))
    data = bytearray(path.read_bytes())
    data[data.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(ArraysInvalid, match=r"'w\.npy' is encrypted"):
        read_npz(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_inputs_that_are_no_numbers_are_refused(tmp_path, value):
    images = np.zeros((1, 4, 4, 3))
    images[0, 1, 1, 1] = value
    np.save(tmp_path / "c.npy", images)
    with np.errstate(over="ignore"), pytest.raises(UsageError, match="not finite"):
        read_calibration(tmp_path / "c.npy")


def state(network):
    return {name: np.array(array) for name, array in random_weights(network, RNG).items()}


RNG = np.random.default_rng(0)
NETWORK = CELLS.network(np.full(6, 4, np.int8))
BAD_VALUES = {"nan": np.nan, "inf": -np.inf, "too large for float32": 1e300}


@pytest.mark.parametrize("suffix", [".npz", ".pth"])
@pytest.mark.parametrize("kind", BAD_VALUES)
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path, suffix, kind):
    weights = {name: array.astype(np.float64) for name, array in state(NETWORK).items()}
    name = "cells.0.layers.0.op.1.weight"
    weights[name].flat[3] = BAD_VALUES[kind]
    path = tmp_path / f"w{suffix}"
    save_weights(path, weights)
    with pytest.raises(UsageError, match=rf"w\{suffix}: '{name}' has values that are not finite"):
        load_weights(path, NETWORK)


@pytest.mark.parametrize("suffix", [".npz", ".pth"])
def test_complex_weights_and_negative_variances_are_refused_by_name(tmp_path, suffix):
    path, weights = tmp_path / f"w{suffix}", state(NETWORK)
    save_weights(path, {**weights, "classifier.bias": weights["classifier.bias"].astype("c8")})
    with pytest.raises(UsageError, match=r"classifier\.bias'? is (torch\.)?complex64, expected"):
        load_weights(path, NETWORK)
    name = next(name for name in weights if name.endswith("running_var"))
    save_weights(path, {**weights, name: -weights[name]})
    with pytest.raises(UsageError, match=rf"'{name}' has a variance of -.*, expected at least 0"):
        load_weights(path, NETWORK)


def test_weights_that_overflow_once_folded_are_refused():
    weights = state(NETWORK)
    name = next(name for name in weights if name.endswith("running_var"))
    gamma = name.replace("running_var", "weight")
    weights[name][:] = 0
    weights[gamma][:] = 3e38
    with pytest.raises(UsageError, match="with its batch norm folded in, has values that are not"):
        checked_fold(NETWORK.program(), weights)


def save_weights(path, weights):
    if path.suffix == ".npz":
        np.savez(path, **weights)
    else:
        torch.save({name: torch.from_numpy(array) for name, array in weights.items()}, path)


def quantized():
    return torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (lambda: {"a": torch.zeros(1).expand(10**9)}, "'a' claims 1,000,000,000 numbers, the file"),
        (lambda: {"a": torch.eye(2).to_sparse()}, "'a' is a sparse_coo tensor, expected a dense"),
        (
            lambda: {"a": torch.zeros(2, device="meta")},
            "'a' is a meta tensor, expected a dense one",
        ),
        (lambda: {"a": quantized()}, "'a' is a quantized tensor, expected a dense one"),
        (lambda: {1: torch.zeros(2)}, "1 is no name of a tensor"),
        (lambda: {"k" * 2000: torch.zeros(2)}, "is no name of a tensor"),
        (lambda: {"a": [torch.zeros(2)]}, "'a' is a list, not a tensor"),
        (lambda: {f"{n}": BASE[n:] for n in range(99)}, "would unpack to more than"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_tensors_are_dense_and_no_larger_than_their_file(tmp_path, content, why):
    path = tmp_path / "w.pth"
    torch.save(content(), path)
    with pytest.raises(UsageError, match=rf"cannot read weights from .*w\.pth: .*{why}"):
        read_state(path)
    with pytest.raises(UsageError, match=rf"w\.pth.*{why}"):
        read_accuracy_model(path)


BASE = torch.zeros(1 << 19)
"""Many views of it are many times its size."""


def test_a_compressed_torch_file_is_refused(tmp_path):
    torch.save({"a": torch.zeros(1 << 20)}, tmp_path / "w.pth")
    with (
        zipfile.ZipFile(tmp_path / "w.pth") as whole,
        zipfile.ZipFile(tmp_path / "c.pth", "w", zipfile.ZIP_DEFLATED) as small,
    ):
        for member in whole.infolist():
            small.writestr(member.filename, whole.read(member))
    with pytest.raises(UsageError, match="is compressed, which torch's own files are not"):
        read_state(tmp_path / "c.pth")


# --- architectures -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (
            json.dumps({**ARCH, "kernel_sizes": [3] * 19 + [2**63]}),
            r"kernel_sizes\[19\] is 9223372",
        ),
        (json.dumps({**ARCH, "width": 10**50}), "width is 1000.*, expected 1.0 or 1.2"),
        (json.dumps({**ARCH, "width": [10**50]}), "width is"),
        (
            json.dumps({**ARCH, "stage_widths": [10**6] * 5}),
            r"stage_widths\[0\] is 1000000, expect",
        ),
        (json.dumps(ARCH)[:-1] + ', "depths": [4, 4, 4, 4, 4]}', "the key 'depths' stands twice"),
        (HUGE, "this is no architecture: '9999"),
        (f"{HUGE}:3:3", "this is no architecture"),
        ("²:3:3", "not valid JSON|no architecture"),
        ("[" * 100_000, "nested"),
        (json.dumps([ARCH] * 10_001), "holds 10,001 architectures, expected at most 10,000"),
        (json.dumps({**ARCH, "x" * 999: 1}), "unknown field 'xxx"),
    ],
)
def test_architectures_beyond_all_measure_are_refused(tmp_path, value, why):
    (tmp_path / "a.json").write_text(value)
    with pytest.raises(UsageError, match=rf"a\.json.*{why}") as caught:
        read_archs(tmp_path / "a.json")
    assert len(str(caught.value)) < 1500


def test_a_name_of_megabytes_makes_no_message_of_megabytes(tmp_path):
    error = NasprofError(f"no space is called {'x' * 10_000_000!r}, expected one", "Take another.")
    assert len(str(error)) < 4100
    assert str(error).endswith("expected one\nTake another.")


# --- tables, journals, archives, models ---------------------------------------------------------


def signed(table, change):
    data = table.to_dict()
    change(data)
    del data["sha256"]
    return {**data, "sha256": digest(data)}


STEM = "stem-i224x224x3-o112x112x16-k3-s2-h_swish"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda d: d["entries"][STEM]["latency_ms"].update(wall=1e15),
            "expected at least 0 ms and",
        ),
        (lambda d: d["entries"][STEM].update(std_ms=1e300), "field 'std_ms' is"),
        (lambda d: d["networks"][0]["latency_ms"].update(wall=1e-300), "expected above 0 ms and"),
        (lambda d: d["networks"][3]["latency_ms"].update(wall=8.7e7), "at most a day"),
        (
            lambda d: [e["latency_ms"].update(wall=0) for e in d["entries"].values()],
            "networks of ofa-mbv3 w1.0@224 would take",
        ),
        (
            lambda d: d["provenance"].update(
                sentinel={"sha256": "a", "latency_ms": {"wall": "x"}, "spread": {}, "rounds": 1}
            ),
            "field 'wall' is 'x', expected a number",
        ),
    ],
)
def test_a_signed_table_of_absurd_values_is_refused(tmp_path, change, why):
    path = tmp_path / "t.json"
    path.write_text(json.dumps(signed(audited_table(), change)))
    with pytest.raises(CostModelInvalid, match=why):
        read_cost_model(path)


def test_a_signed_table_is_read(tmp_path):
    path = tmp_path / "t.json"
    path.write_text(json.dumps(signed(made_up_table(), lambda d: None)))
    assert read_cost_model(path).provenance["runtime"] == "litert"


FACTS = {"device": "cpu", "threads": 1}
VISIT = {"round": 0, "visit": "b", "wall_ms": [1.0], "cpu_ms": None}
END = {"sentinel_ms": 1.0, "overhead_ms": None, "flags": []}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ({**VISIT, "wall_ms": [-1]}, r"field 'wall_ms' is \[-1\], expected a list of times"),
        ({**VISIT, "wall_ms": [-1.0]}, "expected a list of times"),
        ({**VISIT, "wall_ms": [-(2**63) - 1]}, "expected a list of times"),
        ({**VISIT, "wall_ms": [1e9]}, "expected a list of times"),
        ({**VISIT, "wall_ms": []}, "at least one"),
        ({**VISIT, "cpu_ms": [1.0, 2.0]}, "field 'cpu_ms' has 2 times, field 'wall_ms' 1"),
        ({**VISIT, "round": -1}, "no such round"),
        ({**VISIT, "round": 2**62}, "no such round"),
        *(
            ({"round": 0, "rounds": {"b": {**END, name: value}}}, f"field {name!r} is")
            for name in ("sentinel_ms", "overhead_ms", "sentinel_cpu_ms")
            for value in ("x", True, False, [None], {"a": 1}, "\0", -1.0, 1e9)
        ),
        ({"round": 0, "rounds": {"b": {**END, "flags": None}}}, "field 'flags' is None"),
        ({"round": 0, "rounds": {"b": {**END, "flags": [None]}}}, r"field 'flags' is \[None\]"),
        ({"round": 0, "rounds": {"b": 2}}, "rounds is 2, expected an object"),
        ({"round": 0, "rounds": {"b": {"sentinel_fastest_ms": {"wall": 0}}}}, "field 'wall' is 0"),
    ],
)
def test_a_journal_of_what_nobody_timed_is_refused_and_kept(tmp_path, line, why):
    path = tmp_path / "j"
    lines = [{"schema": 1, "facts": FACTS}, VISIT, line, {**VISIT, "round": 1}]
    before = "".join(f"{json.dumps(each)}\n" for each in lines)
    path.write_text(before)
    with pytest.raises(UsageError, match=why):
        Journal(path, FACTS)
    assert path.read_text() == before


def test_protocols_have_ends(tmp_path):
    known = protocols.get("fixed").to_dict()
    for name in ("runs", "warmup", "visits", "rounds_max", "repeats"):
        with pytest.raises(UsageError, match=f"field {name!r} is 1000.*, expected at least . and"):
            Protocol.from_dict({**known, name: 10**50})


def archive_lines(change):
    space = get_space("nasbench201")
    objectives = [{"name": "top1", "unit": "%", "maximise": True}]
    facts = {"space": space.settings, "objectives": objectives, "limits": {}}
    lines = [
        {"schema": 1, "facts": facts},
        {"genes": [0, 1, 2, 3, 4, 0], "values": {"top1": 70.0}},
    ]
    return "".join(f"{json.dumps(each)}\n" for each in change(lines))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda a: [a[0], {**a[1], "values": {"top1": -(10**90)}}], "expected a number or null"),
        (lambda a: [a[0], {**a[1], "values": {"top1": 1e300}}], "expected a number or null"),
        (lambda a: [a[0], {**a[1], "genes": [10**20] * 6}], "field 'genes'"),
        (lambda a: [a[0], json.loads(nested(60))], "line 2 is not valid JSON: it is nested"),
        (lambda a: [json.loads(nested(60)), a[1]], "no archive of this version"),
        (
            lambda a: [{**a[0], "facts": {**a[0]["facts"], "limits": {"top1": 1e99}}}],
            "'top1' is 1e",
        ),
    ],
)
def test_an_archive_of_numbers_beyond_all_measure_is_refused(tmp_path, change, why):
    path = tmp_path / "r.jsonl"
    path.write_text(archive_lines(change))
    with pytest.raises(UsageError, match=why):
        read_archive(path)
    result = CliRunner().invoke(nassearch, ["archive", "show", str(path)])
    assert (result.exit_code, result.exception.__class__) == (2, SystemExit)


def changed_accuracy(path, change):
    """The shipped accuracy model with other arrays or texts, and a digest that fits."""
    shipped = parse_arrays(read_arrays(accuracy_files.shipped_folder / "imagenet.npz"))
    about, arrays = dict(shipped.about), dict(shipped.arrays)
    change(about, arrays)
    about.pop("schema")
    ModelArrays(about, arrays).write(path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda about, _: about.update(center=1e17), "expected percent"),
        (lambda about, _: about.update(unit=1e15), "expected percent"),
        (lambda about, _: about.update(caution=1e15), "expected percent"),
        (lambda _, arrays: arrays.update(weights=arrays["weights"] * 1e30), "expected percent"),
        (lambda _, arrays: arrays.update(weights=arrays["weights"] * np.nan), "not finite"),
        (lambda _, arrays: arrays.update(weights=arrays["weights"].astype("c16")), "is complex128"),
    ],
)
def test_a_signed_accuracy_model_of_absurd_values_is_refused(tmp_path, change, why):
    changed_accuracy(tmp_path / "a.npz", change)
    with pytest.raises(UsageError, match=rf"a\.npz.*{why}"):
        read_accuracy_model(tmp_path / "a.npz")


def test_an_accuracy_model_with_another_member_is_refused(tmp_path):
    changed_accuracy(tmp_path / "a.npz", lambda *_: None)
    read_accuracy_model(tmp_path / "a.npz")
    stream = io.BytesIO((tmp_path / "a.npz").read_bytes())
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("more", b"text")
    (tmp_path / "a.npz").write_bytes(stream.getvalue())
    with pytest.raises(UsageError, match=r"a\.npz: 'more' is no array"):
        read_accuracy_model(tmp_path / "a.npz")


def test_files_of_millions_of_lines_or_columns_are_refused(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text(archive_lines(lambda lines: lines[:1]) + "\n" * 400_001)
    with pytest.raises(UsageError, match=r"r\.jsonl has more than 400,000 lines"):
        read_archive(path)
    path.write_text("\n" * 1_000_001)
    with pytest.raises(UsageError, match=r"r\.jsonl has more than 1,000,000 lines"):
        list(read_jsonl(path))
    (tmp_path / "t.csv").write_text("arch,top1" + "," * 20_000)
    with pytest.raises(UsageError, match=r"t\.csv has a line of more than 20,000 characters"):
        read_measurements(tmp_path / "t.csv")
    with pytest.raises(UsageError, match="p has 40,000 characters, expected at most 32,768"):
        parse_toml("#" * 40_000, "p")
