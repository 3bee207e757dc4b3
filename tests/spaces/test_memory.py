"""Peak memory of activations, against a count of what is alive at each step."""

import pickle
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import CELLS, TINY

from nasprof.errors import UsageError
from spaces import get_space
from spaces.graph import Block, Network, Program
from spaces.memory import chain_peaks, peak_memory
from spaces.ops import Activate, Activation, Add, AvgPool, Conv, GlobalPool

SPACES = {
    "mobile": get_space("ofa-mbv3"),
    "tiny": get_space("ofa-mbv3", **TINY),
    "nasbench201": get_space("nasbench201"),
    "cells": CELLS,
}


def counted(program: Program) -> int:
    """The same by definition: at each step, what is there by then and needed from then on."""
    written = dict.fromkeys(program.inputs, -1)
    written |= {op.name: step for step, op in enumerate(program.ops)}
    needed = {}
    for step, op in enumerate(program.ops):
        needed |= dict.fromkeys(op.inputs, step)
    needed[program.output] = len(program.ops)
    return max(
        sum(
            4 * prod(program.shapes[name])
            for name in written
            if written[name] <= step <= needed.get(name, -2)
        )
        for step in range(len(program.ops))
    )


def relu(name, source):
    return Activate(name=name, inputs=(source,), activation=Activation.RELU)


def alone(*ops, shape=(4, 4, 2)):
    return Network.of(Block("block", (shape,), ops)).program()


# --- by hand -----------------------------------------------------------------------------------


def test_an_operation_needs_what_it_reads_and_what_it_writes():
    wider = Conv(name="conv", inputs=("in0",), param="c", in_channels=2, out_channels=6)
    assert peak_memory(alone(wider)) == 4 * (4 * 4 * 2 + 4 * 4 * 6)


def test_an_activation_of_a_convolution_is_computed_in_place_and_one_on_its_own_is_not():
    facts = {"inputs": ("in0",), "param": "c", "in_channels": 2, "out_channels": 6}
    fused = Conv(name="conv", activation=Activation.RELU, **facts)
    assert peak_memory(alone(fused)) == 4 * 16 * 8
    assert peak_memory(alone(Conv(name="conv", **facts), relu("relu", "conv"))) == 4 * 16 * 12


def test_a_residual_keeps_the_input_alive():
    chain = [relu("a", "in0"), relu("b", "a")]
    sum_ = Add(name="sum", inputs=("b", "in0"))
    assert peak_memory(alone(*chain)) == 4 * 32 * 2
    assert peak_memory(alone(*chain, sum_)) == 4 * 32 * 3


def test_a_value_read_twice_is_held_once():
    assert peak_memory(alone(Add(name="sum", inputs=("in0", "in0")))) == 4 * 32 * 2


def test_what_never_reaches_the_output_is_not_held():
    unused = Conv(name="unused", inputs=("in0",), param="c", in_channels=2, out_channels=99)
    assert peak_memory(alone(unused, relu("b", "in0"))) == 4 * 32 * 2


def test_the_output_is_held_to_the_end():
    pooled = alone(AvgPool(name="half", inputs=("in0",), kernel=2, stride=2))
    assert peak_memory(pooled) == 4 * (32 + 8)
    assert peak_memory(alone(GlobalPool(name="pool", inputs=("in0",)))) == 4 * (32 + 2)


# --- against the definition --------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=12))
def test_any_graph_needs_what_is_alive_at_its_worst_step(edges):
    names, ops = ["in0"], []
    for number, (first, second) in enumerate(edges):
        sources = (names[first % len(names)], names[second % len(names)])
        ops.append(Add(name=f"v{number}", inputs=sources))
        names.append(f"v{number}")
    program = alone(*ops)
    assert peak_memory(program) == counted(program)


@pytest.mark.parametrize("name", SPACES)
def test_a_space_tells_the_peaks_of_its_networks(name):
    space = SPACES[name]
    genes = space.sample(60, np.random.default_rng(0), "biased")
    programs = [space.network(row).program() for row in genes]
    peaks = space.peak_memory(genes)
    assert peaks.dtype == np.int64
    assert peaks.tolist() == [peak_memory(program) for program in programs]
    assert peaks.tolist() == [counted(program) for program in programs]
    assert len(set(peaks.tolist())) > 1
    assert space.peak_memory(genes[:0]).shape == (0,)


def test_the_peak_of_the_largest_mobilenet_is_that_of_the_first_reducing_block():
    space = SPACES["mobile"]
    largest = space.canonical(space.n_choices[None] - 1)
    # Its depthwise convolution reads 96 channels and writes them at half the height and width.
    assert space.peak_memory(largest).tolist() == [4 * 96 * (112 * 112 + 56 * 56)]


def test_networks_are_chains_where_every_block_reads_one_value():
    assert chain_peaks(SPACES["cells"].vocabulary) is None
    peaks = chain_peaks(SPACES["tiny"].vocabulary)
    assert peaks.shape == (len(SPACES["tiny"].vocabulary),)
    assert (peaks > 0).all()


def test_inactive_genes_and_copies_change_nothing():
    for space in (SPACES["tiny"], CELLS):
        raw = np.random.default_rng(1).integers(0, space.n_choices, (30, space.n_genes), np.int8)
        copy = pickle.loads(pickle.dumps(space))
        assert (space.peak_memory(raw) == copy.peak_memory(space.canonical(raw))).all()


def test_a_network_is_gone_through_once(monkeypatch):
    space = get_space("nasbench201", resolution=8, classes=4, channels=4, cells=2)
    genes = space.sample(20, np.random.default_rng(0))
    first = space.peak_memory(genes)
    monkeypatch.setattr(type(space), "network", lambda *_: pytest.fail("gone through again"))
    assert (space.peak_memory(genes) == first).all()


@pytest.mark.parametrize("name", ["tiny", "cells"])
def test_genes_of_another_space_are_refused(name):
    with pytest.raises(UsageError, match="expected shape"):
        SPACES[name].peak_memory(np.zeros((2, 3), np.int8))
