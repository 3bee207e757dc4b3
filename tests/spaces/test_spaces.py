"""The behaviour every search space has."""

import json
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasprof.errors import UsageError
from spaces import get_space, parse_arch, read_archs, spaces
from spaces.additive import additive_ends, gene_groups

SMALL = {
    "resolution": 28,
    "classes": 10,
    "in_channels": 1,
    "stem_width": 8,
    "stage_widths": [8, 16, 24, 32, 48],
    "stage_strides": [1, 2, 2, 1, 1],
    "head_widths": [192, 192],
}
AT_ANY = {"space": "ofa-mbv3", **{key: SMALL[key] for key in SMALL.keys() - {"resolution"}}}
SPACES = {
    "ofa-mbv3": get_space("ofa-mbv3"),
    "ofa-mbv3 w1.2@160": get_space("ofa-mbv3", width=1.2, resolution=160),
    "ofa-mbv3 small": get_space("ofa-mbv3", **SMALL),
    "nasbench201": get_space("nasbench201"),
    "nasbench201 small": get_space("nasbench201", channels=8, cells=2, classes=100),
    "elastic ofa-mbv3": get_space("elastic-resolution", of=AT_ANY, resolutions=[16, 20, 24, 28]),
    "elastic nasbench201": get_space(
        "elastic-resolution", of={"space": "nasbench201", "cells": 1}, resolutions=[24, 32]
    ),
}

MANY_GENES = ["ofa-mbv3", "ofa-mbv3 w1.2@160", "ofa-mbv3 small", "nasbench201", "elastic ofa-mbv3"]

every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def test_every_registered_space_goes_through_this_suite():
    assert {space.name for space in SPACES.values()} == set(spaces)


@every_space
@pytest.mark.parametrize("strategy", ["uniform", "biased"])
def test_samples_are_canonical_and_repeat_with_the_seed(space, strategy):
    first = space.sample(200, np.random.default_rng(7), strategy)
    again = space.sample(200, np.random.default_rng(7), strategy)
    assert first.dtype == np.int8
    assert first.shape == (200, space.n_genes)
    assert (first == again).all()
    assert (space.canonical(first) == first).all()
    assert len(np.unique(first, axis=0)) > min(100, space.size // 2)


@every_space
def test_genes_survive_the_way_through_json(space, rng):
    genes = space.sample(300, rng)
    archs = json.loads(json.dumps(space.decode(genes)))
    assert (space.encode(archs) == genes).all()
    for arch in archs[:5]:
        found, canonical = parse_arch(arch)
        assert found in space.members
        assert hash(found) in {hash(member) for member in space.members}
        assert canonical == arch


@every_space
def test_costs_of_genes_equal_costs_of_their_networks(space, rng):
    genes = space.sample(25, rng, "biased")
    networks = [space.network(row) for row in genes]
    assert space.macs(genes).tolist() == [network.macs for network in networks]
    assert space.params(genes).tolist() == [network.params for network in networks]


@every_space
def test_networks_are_made_of_the_vocabulary(space, rng):
    keys = {block.key for block in space.vocabulary}
    assert len(keys) == len(space.vocabulary)
    for row in space.sample(20, rng):
        network = space.network(row)
        used = sorted(layer.block.key for layer in network.layers)
        slots = space.slots(row[None])[0]
        assert used == sorted(space.vocabulary[slot].key for slot in slots if slot >= 0)
        assert set(used) <= keys


@every_space
def test_networks_are_wired_with_matching_shapes(space, rng):
    networks = [space.network(row) for row in space.sample(20, rng)]
    assert len({network.output for network in networks}) == 1
    for network in networks:
        written = {"input": network.inputs[0]}
        for layer in network.layers:
            assert tuple(written[name] for name in layer.inputs) == layer.block.inputs
            written[layer.name] = layer.block.output
        program = network.program()
        assert program.shapes[program.output] == network.output


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_a_classifier_has_an_output_for_each_class(space):
    smallest = space.network(np.zeros(space.n_genes, np.int8))
    assert smallest.output == (1, 1, getattr(space, "classes", smallest.output[2]))


@every_space
def test_inactive_genes_do_not_matter(space, rng):
    genes = space.sample(100, rng)
    active = space.active(genes)
    other = np.where(active, genes, rng.integers(0, space.n_choices, genes.shape)).astype(np.int8)
    assert (space.canonical(other) == genes).all()
    assert (space.slots(other) == space.slots(genes)).all()
    assert (space.onehot(other) == space.onehot(genes)).all()
    assert (space.onehot(genes).sum(1) == active.sum(1)).all()


def spread(space, strategy):
    """How much of the range of MACs 96 of 100 samples take."""
    ends = space.macs(np.stack([np.zeros_like(space.n_choices), space.n_choices - 1]))
    macs = space.macs(space.sample(2000, np.random.default_rng(1), strategy))
    return np.ptp(np.percentile(macs, [2, 98])) / np.ptp(ends)


@every_space
def test_biased_samples_cover_the_range(space):
    assert spread(space, "biased") > 0.8


@pytest.mark.parametrize("name", MANY_GENES)
def test_uniform_samples_miss_the_ends_where_there_are_many_genes(name):
    assert spread(SPACES[name], "uniform") < spread(SPACES[name], "biased") - 0.1


class LastEdgeFixed(type(SPACES["nasbench201"])):
    """The cells whose last edge is always the cheapest: a gene of one choice."""

    n_choices = np.array([5, 5, 5, 5, 5, 1], np.int8)


@pytest.mark.filterwarnings("error")
def test_a_gene_of_one_choice_is_never_drawn_otherwise():
    space = LastEdgeFixed()
    for strategy in ("uniform", "biased"):
        genes = space.sample(500, np.random.default_rng(0), strategy)
        assert (genes[:, -1] == 0).all()
        assert (genes.max(0) == space.n_choices - 1).all()
    # The other genes lean to the same side.
    assert (genes[:, :-1].mean(1) < 0.5).any()
    assert (genes[:, :-1].mean(1) > 3.5).any()


@every_space
def test_impossible_genes_are_refused(space):
    genes = np.zeros((2, space.n_genes), int)
    last, beyond = space.n_genes - 1, int(space.n_choices[-1])
    genes[1, last] = beyond
    expected = rf"genes\[1\]\[{last}\] is {beyond}, expected 0 to {beyond - 1}"
    with pytest.raises(UsageError, match=expected):
        space.canonical(genes)
    with pytest.raises(UsageError, match=r"expected shape \(n, "):
        space.canonical(genes[:, :-1])
    with pytest.raises(UsageError, match="sampling is 'lucky'"):
        space.sample(3, np.random.default_rng(0), "lucky")


@every_space
def test_an_unknown_field_is_named_with_the_one_that_is_meant(space):
    arch = space.decode(np.zeros((1, space.n_genes), np.int8))[0]
    for field in arch.keys() - {"space"}:
        misspelt = field + field[-1]
        with pytest.raises(UsageError, match=f"unknown field '{misspelt}'") as error:
            parse_arch(arch | {misspelt: arch[field]})
        assert field in error.value.remedy


@every_space
def test_a_choice_that_there_is_not_is_refused(space):
    arch = space.decode(np.zeros((1, space.n_genes), np.int8))[0]
    for field in arch.keys() - space.members[0].settings.keys():
        for wrong in ("nonsense", None, [arch[field]] * 2, [-1] * len(arch[field])):
            with pytest.raises(UsageError):
                parse_arch(arch | {field: wrong})


@every_space
@given(seed=st.integers(0, 2**32 - 1))
def test_additive_costs_are_sums_over_the_layers(space, seed):
    rng = np.random.default_rng(seed)
    costs = rng.random(len(space.vocabulary))
    price = dict(zip((block.key for block in space.vocabulary), costs, strict=True))
    genes = space.sample(2, rng)
    expected = [sum(price[layer.block.key] for layer in space.network(row).layers) for row in genes]
    assert np.allclose(space.additive(genes, costs), expected, rtol=1e-12)


@every_space
@pytest.mark.parametrize("executed", [False, True])
def test_parts_contribute_independently_from_each_origin_on(space, executed, rng):
    costs = rng.random(len(space.vocabulary))
    total = partial(space.additive, costs=costs, executed=executed)
    assert (space.canonical(space.origins) == space.origins).all()
    for origin in space.origins:
        genes = np.repeat(origin[None], 20, 0)
        expected = np.repeat(total(origin[None]), 20)
        drawn = space.sample(20, rng)
        for part, values in space.parts:
            assert {row.tobytes() for row in drawn[:, part]} <= {row.tobytes() for row in values}
            alone = np.repeat(origin[None], 20, 0)
            alone[:, part] = genes[:, part] = drawn[:, part]
            expected += total(alone) - total(origin[None])
        assert np.allclose(total(genes), expected, rtol=1e-9)
    # Together they reach every architecture.
    beginnings = drawn.copy()
    for part, _ in space.parts:
        beginnings[:, part] = 0
    assert {row.tobytes() for row in beginnings} <= {row.tobytes() for row in space.origins}


@every_space
def test_no_architecture_is_cheaper_or_costlier_than_the_ends(space, rng):
    costs = rng.random(len(space.vocabulary))
    low, high = space.additive(additive_ends(space, partial(space.additive, costs=costs)), costs)
    drawn = space.additive(space.sample(2000, rng, "biased"), costs)
    assert low <= drawn.min() + 1e-9
    assert high >= drawn.max() - 1e-9


@every_space
def test_groups_of_genes_hold_every_gene_once(space):
    held = [gene for part, _ in gene_groups(space) for gene in range(part.start, part.stop)]
    assert held == list(range(space.n_genes))


@every_space
def test_members_are_of_one_resolution_and_have_every_architecture(space, rng):
    genes = space.sample(30, rng, "biased")
    known = space.decode(genes)
    seen = []
    for member, rows, own in space.by_member(genes):
        assert member in space.members
        assert member.members == (member,)
        assert member.without_resolution == space.without_resolution
        assert member.decode(own) == [known[row] for row in rows]
        assert (member.macs(own) == space.macs(genes)[rows]).all()
        assert (member.peak_memory(own) == space.peak_memory(genes)[rows]).all()
        seen += rows.tolist()
    assert sorted(seen) == list(range(30))
    assert sum(member.size for member in space.members) == space.size


@pytest.mark.parametrize("value", [{}, [], 3, "4,4,4", {"ks": [3]}, None, {"space": 5}])
def test_what_is_no_architecture_is_refused(value):
    with pytest.raises(UsageError):
        parse_arch(value)


def test_a_misspelt_space_gets_a_hint():
    with pytest.raises(UsageError, match="no space is called 'ofa-mbv2'") as error:
        parse_arch({"space": "ofa-mbv2"})
    assert "ofa-mbv3" in error.value.remedy


def test_files_that_cannot_be_read_are_named(tmp_path):
    truncated = tmp_path / "a.json"
    truncated.write_text('{"space": "ofa-mbv3", "dep')
    with pytest.raises(UsageError, match=r"a\.json is not valid JSON: line 1"):
        read_archs(truncated)
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"b\.json is not text"):
        read_archs(tmp_path / "b.json")
    with pytest.raises(UsageError, match=r"cannot read .*none\.json: No such file"):
        read_archs(tmp_path / "none.json")


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_no_architectures_are_none_in_every_form(space):
    none = np.empty((0, space.n_genes), np.int8)
    assert space.decode(none) == []
    assert space.encode([]).shape == none.shape
    assert space.macs(none).shape == space.peak_memory(none).shape == (0,)


def test_a_space_comes_from_a_file_too(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"space": "nasbench201", "classes": 7, "cells": 2}')
    assert get_space(str(path)) == get_space("nasbench201", classes=7, cells=2)
    assert get_space(str(path), classes=3) == get_space("nasbench201", classes=3, cells=2)
    path.write_text('{"classes": 7}')
    with pytest.raises(UsageError, match=r"mine\.json: field 'space' is missing"):
        get_space(str(path))
    path.write_text('{"space": "nasbench201", "clases": 7}')
    with pytest.raises(UsageError, match="clases"):
        get_space(str(path))
    with pytest.raises(UsageError, match=r"none\.json"):
        get_space(str(tmp_path / "none.json"))
