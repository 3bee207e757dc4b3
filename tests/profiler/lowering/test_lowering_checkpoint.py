"""Checkpoints: every published naming is read, nothing is unpickled, errors say what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from oracles import ofa_subnet, ofa_supernet

from nasprof.errors import UsageError
from nasprof.state_dict import read_state
from profiler.lowering import load_weights
from spaces.mobilenetv3 import MobileNetV3Space
from spaces.nasbench201 import NasBench201Space
from spaces.weights import random_weights


@pytest.fixture(scope="module")
def bench():
    space = NasBench201Space(cells=1)
    network = space.network(np.array([4, 3, 2, 1, 0, 4], np.int8))
    return network, random_weights(network, np.random.default_rng(0))


def equal(first, second):
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name]) for name in first
    )


def tensors(weights):
    return {name: torch.from_numpy(array) for name, array in weights.items()}


def test_npz_and_state_dicts_are_read_back_exactly(bench, tmp_path):
    network, weights = bench
    np.savez(tmp_path / "w.npz", **weights)
    assert equal(load_weights(tmp_path / "w.npz", network), weights)
    counters = {"stem.1.num_batches_tracked": torch.tensor(7)}
    for name, content in {
        "plain.pth": tensors(weights) | counters,
        "nested.pth.tar": {"epoch": 3, "state_dict": tensors(weights)},
        "parallel.pt": {f"module.{name}": value for name, value in tensors(weights).items()},
        "half.pth": {name: value.double() for name, value in tensors(weights).items()},
    }.items():
        torch.save(content, tmp_path / name)
        loaded = load_weights(tmp_path / name, network)
        assert equal(loaded, weights)
        assert {array.dtype for array in loaded.values()} == {np.dtype(np.float32)}


@pytest.fixture(scope="module")
def ofa():
    space = MobileNetV3Space(resolution=128, classes=10)
    genes = space.sample(1, np.random.default_rng(3))
    arch = space.decode(genes)[0]
    supernet = ofa_supernet(1.0, classes=10)
    return supernet, ofa_subnet(supernet, arch), arch, space.network(genes[0])


@pytest.mark.parametrize("old_names", [False, True], ids=["current", "published earlier"])
@pytest.mark.parametrize("whole", [False, True], ids=["subnet", "supernet"])
def test_ofa_checkpoints_are_read_under_either_naming(ofa, tmp_path, old_names, whole):
    supernet, subnet, arch, network = ofa
    state = (supernet if whole else subnet).state_dict()
    if old_names:
        state = {
            name.replace(".conv.", ".mobile_inverted_conv.", 1)
            if name.startswith("blocks.")
            else name: value
            for name, value in state.items()
        }
        assert any("mobile_inverted_conv" in name for name in state)
    torch.save({"state_dict": state}, tmp_path / "ofa.pth")
    weights = load_weights(tmp_path / "ofa.pth", network, arch)
    expected = subnet.state_dict()
    assert weights.keys() == network.arrays().keys()
    for name, array in weights.items():
        assert np.allclose(array, expected[name].numpy(), rtol=0, atol=1e-6), name


def test_the_supernet_needs_the_arch(ofa, tmp_path):
    supernet, _, _, network = ofa
    torch.save(supernet.state_dict(), tmp_path / "ofa.pth")
    with pytest.raises(UsageError, match="do not fit the network"):
        load_weights(tmp_path / "ofa.pth", network)


def test_a_supernet_without_its_matrices_is_refused(ofa, tmp_path):
    supernet, _, arch, network = ofa
    state = supernet.state_dict()
    torch.save({k: v for k, v in state.items() if "_matrix" not in k}, tmp_path / "ofa.pth")
    with pytest.raises(UsageError, match="has no matrix"):
        load_weights(tmp_path / "ofa.pth", network, arch)


def test_a_truncated_supernet_is_refused(ofa, tmp_path):
    supernet, _, arch, network = ofa
    state = supernet.state_dict()
    del state["blocks.1.conv.point_linear.bn.bn.weight"]
    torch.save(state, tmp_path / "ofa.pth")
    with pytest.raises(UsageError, match=r"no array 'blocks.1.conv.point_linear.bn.bn.weight'"):
        load_weights(tmp_path / "ofa.pth", network, arch)


def test_arrays_that_do_not_fit_are_counted_and_named(bench, tmp_path):
    network, weights = bench
    names = [name for name in weights if name.startswith("cells.0.")]
    wrong = {name: array for name, array in weights.items() if name not in names}
    wrong["stem.0.weight"] = np.zeros((16, 3, 5, 5), np.float32)
    wrong["head.weight"] = np.zeros(3, np.float32)
    np.savez(tmp_path / "w.npz", **wrong)
    with pytest.raises(UsageError) as error:
        load_weights(tmp_path / "w.npz", network)
    text = str(error.value)
    assert f"{len(names)} of {len(weights)} arrays are missing: {', '.join(names[:3])}" in text
    assert f"and {len(names) - 3} more" in text and names[3] not in text
    assert "stem.0.weight is (16, 3, 5, 5), expected (16, 3, 3, 3)" in text
    assert "do not belong to this network: head.weight" in text


class Bomb:
    """An object whose unpickling would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("suffix", [".npz", ".pth"])
def test_pickled_objects_are_refused_and_never_run(bench, tmp_path, suffix):
    network, _ = bench
    victim, path = tmp_path / "victim", tmp_path / f"bomb{suffix}"
    if suffix == ".npz":
        np.savez(path, **{"stem.0.weight": np.array([Bomb(victim)], object)})
    else:
        torch.save({"stem.0.weight": Bomb(victim)}, path)
    with pytest.raises(
        UsageError, match=r"cannot read weights[^\n]*\n.*Pickled objects are refused"
    ):
        load_weights(path, network)
    assert not victim.exists()


@pytest.mark.parametrize("suffix", [".npz", ".pth"])
@pytest.mark.parametrize("damage", ["truncated", "empty", "garbage", "missing", "a folder"])
def test_damaged_files_are_named(bench, tmp_path, suffix, damage):
    network, weights = bench
    path = tmp_path / f"weights{suffix}"
    if damage == "a folder":
        path.mkdir()
    elif damage != "missing":
        if suffix == ".npz":
            np.savez(path, **weights)
        else:
            torch.save(tensors(weights), path)
        content = path.read_bytes()
        kept = {"truncated": content[: len(content) // 2], "empty": b"", "garbage": b"x" * 999}
        path.write_bytes(kept[damage])
    with pytest.raises(UsageError, match=f"cannot read weights from .*weights{suffix}"):
        load_weights(path, network)


def test_files_of_something_else_are_named(bench, tmp_path):
    network, _ = bench
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    with pytest.raises(UsageError, match="holds a list, not named tensors"):
        load_weights(tmp_path / "list.pth", network)
    torch.save({"lr": 0.1}, tmp_path / "numbers.pth")
    with pytest.raises(UsageError, match="'lr' is a float, not a tensor"):
        load_weights(tmp_path / "numbers.pth", network)
    np.savez(tmp_path / "text.npz", name=np.array(["a"]))
    with pytest.raises(UsageError, match="name is <U1, expected numbers"):
        load_weights(tmp_path / "text.npz", network)


def test_a_single_array_is_no_archive(tmp_path):
    with (tmp_path / "w.npz").open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(UsageError, match="cannot read weights"):
        read_state(tmp_path / "w.npz")


def test_safetensors_are_read_back_exactly(bench, tmp_path):
    from safetensors.numpy import save_file

    network, weights = bench
    counters = {"stem.1.num_batches_tracked": np.array(7)}
    save_file({**weights, **counters}, tmp_path / "w.safetensors")
    assert equal(load_weights(tmp_path / "w.safetensors", network), weights)
    halves = {name: array.astype(np.float64) for name, array in weights.items()}
    save_file(
        {f"module.{name}": array for name, array in halves.items()}, tmp_path / "d.safetensors"
    )
    loaded = load_weights(tmp_path / "d.safetensors", network)
    assert equal(loaded, weights)
    assert {array.dtype for array in loaded.values()} == {np.dtype(np.float32)}


def test_bfloat16_of_safetensors_is_widened_exactly(bench, tmp_path):
    from safetensors.torch import save_file

    network, weights = bench
    halves = {name: value.bfloat16() for name, value in tensors(weights).items()}
    first = next(iter(halves))
    halves[first] = tensors(weights)[first]
    save_file(halves, tmp_path / "b.safetensors")
    expected = {name: value.float().numpy() for name, value in halves.items()}
    assert equal(load_weights(tmp_path / "b.safetensors", network), expected)


def safetensors_file(dtype, shape, data):
    import json

    header = json.dumps(
        {"a": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}}
    ).encode()
    return len(header).to_bytes(8, "little") + header + data


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (safetensors_file("F8_E4M3", [4], b"abcd"), "'a' is F8_E4M3, expected real numbers"),
        (safetensors_file("BOOL", [4], b"\1\0\1\0"), "'a' is BOOL, expected real numbers"),
        (safetensors_file("C64", [1], bytes(8)), "'a' is C64, expected real|is damaged"),
        (safetensors_file("F32", [2], b"abcd"), "is damaged or no safetensors"),
        (
            safetensors_file("F32", [1], np.float32(np.nan).tobytes()),
            "'a' has values .* not finite",
        ),
        (b"", "is damaged or no safetensors"),
        (b"\xff" * 100, "is damaged or no safetensors"),
        ((10**15).to_bytes(8, "little") + b"{}", "is damaged or no safetensors"),
        (None, "it does not exist|No such file"),
    ],
)
def test_safetensors_that_cannot_be_used_say_why(tmp_path, content, why):
    path = tmp_path / "w.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=why):
        read_state(path)
