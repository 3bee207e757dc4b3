"""Lookup tables: sums, exact ranges, files that were damaged, questions they cannot answer."""

import errno
import itertools
import json
import math
import os
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from tables import TINY, audited_table, made_up_table

from luts import (
    BudgetImpossible,
    CostModelInvalid,
    Entry,
    LookupTable,
    MissingEntries,
    SpaceMismatch,
    read_cost_model,
    write_cost_model,
)
from luts.build_command import build_command
from nasprof.errors import NasprofError, UsageError
from spaces import get_space
from spaces.graph import Block

SPACES = {
    "ofa-mbv3": get_space("ofa-mbv3"),
    "ofa-mbv3 tiny": get_space("ofa-mbv3", **TINY),
    "nasbench201": get_space("nasbench201"),
}
TABLES = {name: made_up_table(space) for name, space in SPACES.items()}
every_space = pytest.mark.parametrize("name", SPACES)


@pytest.fixture
def data():
    """A table as JSON."""
    return json.loads(json.dumps(made_up_table().to_dict()))


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., object]:
    def store(data):
        path = tmp_path / "table.json"
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return path

    return store


# --- sums --------------------------------------------------------------------------------------


def executed_blocks(network):
    """Blocks of a network of which its model file holds at least one operation."""
    values = {op.name for op in network.program().ops}
    return [layer.block for layer in network.layers if layer.name in values]


@given(name=st.sampled_from(list(SPACES)), seed=st.integers(0, 2**32 - 1))
@effort(max_examples=60)
def test_the_latency_of_a_network_is_the_sum_of_the_blocks_it_executes(name, seed):
    space, table = SPACES[name], TABLES[name]
    genes = space.sample(1, np.random.default_rng(seed))
    blocks = executed_blocks(space.network(genes[0]))
    expected = math.fsum(table.entries[block.key].latency_ms["wall"] for block in blocks)
    assert table.latency_ms(genes)[0] == pytest.approx(expected, rel=1e-12)
    slots = [slot for slot in space.executed_slots(genes)[0] if slot >= 0]
    executed = sorted(space.vocabulary[slot].key for slot in slots)
    assert executed == sorted(block.key for block in blocks)


def test_blocks_whose_result_is_not_used_cost_nothing():
    space, table = SPACES["nasbench201"], TABLES["nasbench201"]
    cells = [
        f"|{first}~0|+|none~0|{second}~1|+|skip_connect~0|none~1|none~2|"
        for first, second in (("none", "none"), ("nor_conv_3x3", "nor_conv_3x3"))
    ]
    genes = space.encode([{"space": "nasbench201", "cell": cell} for cell in cells])
    idle, busy = table.latency_ms(genes)
    assert idle == busy
    assert space.macs(genes)[0] < space.macs(genes)[1]


@every_space
def test_many_architectures_are_summed_like_each_alone(name):
    space, table = SPACES[name], TABLES[name]
    genes = space.sample(500, np.random.default_rng(3))
    together = table.latency_ms(genes)
    alone = [table.latency_ms(row[None])[0] for row in genes]
    assert together.shape == (500,)
    assert together.dtype == np.float64
    assert together.tolist() == alone


@every_space
def test_very_many_architectures_are_priced_like_few(name):
    space, table = SPACES[name], TABLES[name]
    genes = space.sample(40_000, np.random.default_rng(4))
    few = np.concatenate([table.latency_ms(part) for part in np.split(genes, 10)])
    assert table.latency_ms(genes).tolist() == few.tolist()
    macs = np.concatenate([space.macs(part) for part in np.split(genes, 10)])
    assert space.macs(genes).tolist() == macs.tolist()


def test_predictions_are_on_the_clock_asked_for():
    table = made_up_table()
    genes = table.spaces[0].sample(20, np.random.default_rng(0))
    ratio = table.on_clock("cpu").latency_ms(genes) / table.latency_ms(genes)
    assert ratio == pytest.approx(0.9)
    assert table.on_clock("cpu").clock == "cpu"


def test_a_clock_that_entries_lack_is_refused():
    table = made_up_table()
    first = next(iter(table.entries))
    entries = {**table.entries, first: Entry({"wall": 1.0})}
    lacking = LookupTable("t", table.spaces, entries, {})
    with pytest.raises(UsageError, match=r"no 'cpu' times \(1 of 93 entries lack them\)"):
        lacking.on_clock("cpu")


def test_a_space_that_cannot_be_hashed_may_have_a_table():
    class Listed(type(SPACES["ofa-mbv3"])):
        __hash__ = None

        def __eq__(self, other):
            return isinstance(other, Listed)

    space = Listed(**{"resolution": 192})
    table = made_up_table(space)
    assert table.latency_ms(space.sample(3, np.random.default_rng(0)), space).shape == (3,)
    assert table.extremes(space).exact


# --- ranges ------------------------------------------------------------------------------------


def test_the_range_of_nasbench201_is_that_of_all_its_networks():
    space = SPACES["nasbench201"]
    genes = np.array(list(itertools.product(range(5), repeat=6)), np.int8)
    for seed in range(3):
        table = made_up_table(space, seed=seed)
        every = table.latency_ms(genes)
        found = table.extremes()
        assert (found.min_ms, found.max_ms) == (every.min(), every.max())
        ends = table.latency_ms(np.stack([found.fastest, found.slowest]))
        assert ends.tolist() == [found.min_ms, found.max_ms]
        assert found.exact


def neighbours(space, genes):
    """The architectures ``(n, n_genes)`` that differ from one in at most two genes."""
    pairs = np.array(list(itertools.combinations(range(space.n_genes), 2)))
    values = np.array(list(itertools.product(range(3), repeat=2)))
    steps = np.repeat(genes[None], len(pairs) * len(values), 0)
    rows = np.arange(len(steps))[:, None]
    steps[rows, np.repeat(pairs, len(values), 0)] = np.tile(values, (len(pairs), 1))
    return space.canonical(steps)


@pytest.mark.parametrize("name", ["ofa-mbv3", "ofa-mbv3 tiny"])
@pytest.mark.parametrize("sign", [1, -1], ids=["fastest", "slowest"])
def test_search_for_a_network_of_ofa_outside_the_range_ends_on_its_edge(name, sign, rng):
    space = SPACES[name]
    table = made_up_table(space, seed=4)
    found = table.extremes()
    genes = space.sample(20_000, rng, "biased")
    times = table.latency_ms(genes)
    assert found.min_ms <= times.min() < times.max() <= found.max_ms
    best, genes = (sign * times).min(), genes[(sign * times).argmin()]
    for _ in range(20):
        around = neighbours(space, genes)
        times = sign * table.latency_ms(around)
        if times.min() >= best - 1e-9:
            break
        best, genes = times.min(), around[times.argmin()]
    assert sign * best == pytest.approx(found.min_ms if sign > 0 else found.max_ms, rel=1e-9)
    edge = found.fastest if sign > 0 else found.slowest
    assert genes.tolist() == space.canonical(edge[None])[0].tolist()


def test_the_range_of_ofa_follows_from_its_cheapest_and_costliest_blocks():
    space = SPACES["ofa-mbv3"]
    table = made_up_table(space, seed=5)
    costs = table.costs_ms()
    fixed = costs[[0, 1, -1]].sum()
    firsts, laters = ([costs[panel.blocks] for panel in row] for row in space.panels)
    low = fixed + sum(f.min() + later.min() for f, later in zip(firsts, laters, strict=True))
    high = fixed + sum(f.max() + 3 * later.max() for f, later in zip(firsts, laters, strict=True))
    assert table.extremes().min_ms == pytest.approx(low)
    assert table.extremes().max_ms == pytest.approx(high)


def test_an_impossible_budget_is_answered_with_the_least_latency():
    table = made_up_table()
    least = table.extremes().min_ms
    table.require_budget(least)
    with pytest.raises(BudgetImpossible) as caught:
        table.require_budget(0.99 * least)
    assert f"runs under {least:.3g} ms" in caught.value.message
    assert "ofa-mbv3 w1.0@224" in caught.value.message
    assert caught.value.exit_code == 1


# --- files -------------------------------------------------------------------------------------

TIMES = st.floats(1e-6, 1e5, allow_nan=False)
# Of networks that may take no time, or more than a day, a table would be refused.
ENTRIES = st.builds(
    Entry,
    st.fixed_dictionaries({"wall": TIMES}, optional={"cpu": TIMES}),
    st.none() | TIMES,
    st.none() | st.integers(1, 10**6),
    st.lists(st.sampled_from(["contended", "drift"]), unique=True).map(tuple),
)


@given(data=st.data())
@effort(max_examples=40)
def test_a_table_survives_the_way_through_json(data):
    space = SPACES["nasbench201"]
    keys = data.draw(st.sets(st.sampled_from([block.key for block in space.vocabulary])))
    entries = {key: data.draw(ENTRIES) for key in keys}
    # Fields that anything relies on have kinds of their own, and a table is refused for others.
    unknown = st.text(max_size=8).map("x-{}".format)
    provenance = data.draw(
        st.dictionaries(unknown, st.none() | st.integers() | st.text(max_size=8))
    )
    table = LookupTable("t", (space,), entries, provenance)
    again = LookupTable.from_dict(json.loads(json.dumps(table.to_dict())), "t")
    assert again == table


@every_space
def test_a_table_read_from_its_file_predicts_the_same(name, tmp_path):
    table = audited_table(SPACES[name])
    write_cost_model(table, tmp_path / "t.json")
    again = read_cost_model(tmp_path / "t.json")
    genes = table.spaces[0].sample(100, np.random.default_rng(0))
    assert again.latency_ms(genes).tolist() == table.latency_ms(genes).tolist()
    assert again.bounds() == table.bounds()
    assert again.agreement == table.agreement
    assert again.name == "t"


def test_the_order_in_a_file_does_not_matter(data, stored):
    shuffled = dict(reversed(data.items()))
    shuffled["entries"] = dict(sorted(data["entries"].items(), key=lambda item: item[0][::-1]))
    shuffled["entries"] = {k: dict(reversed(v.items())) for k, v in shuffled["entries"].items()}
    table = read_cost_model(stored(shuffled))
    genes = table.spaces[0].sample(50, np.random.default_rng(0))
    assert table.latency_ms(genes).tolist() == made_up_table().latency_ms(genes).tolist()


STEM = "stem-i224x224x3-o112x112x16-k3-s2-h_swish"
HEAD = "head-i7x7x160-m960-f1280-c1000"
CHANGES = {
    "an entry by hand": (lambda d: d["entries"][STEM]["latency_ms"].update(wall=1.0), "by hand"),
    "the device by hand": (lambda d: d["provenance"].update(device="pixel"), "by hand"),
    "an entry taken out": (lambda d: d["entries"].pop(HEAD), "by hand"),
    "another schema": (lambda d: d.update(schema=2), "field 'schema' is 2, expected 1"),
    "schema in words": (lambda d: d.update(schema="1"), "'schema' is '1', expected a whole number"),
    "no schema": (lambda d: d.pop("schema"), "'schema' is missing"),
    "another kind": (lambda d: d.update(kind="lot"), "no kind of cost model is called 'lot'"),
    "no kind": (lambda d: d.pop("kind"), "field 'kind' is missing"),
    "another space": (lambda d: d.update(spaces=[{"space": "nasbench201"}]), "is no block of nasb"),
    "an unknown space": (lambda d: d["spaces"][0].update(space="ofa-mbv4"), "'ofa-mbv4'"),
    "another width": (lambda d: d["spaces"][0].update(width=1.2), "no block of ofa-mbv3 w1.2@224"),
    "another resolution": (lambda d: d["spaces"][0].update(resolution=192), "no block of"),
    "no space": (lambda d: d.update(spaces=[3]), "expected an object"),
    "a clock": (lambda d: d.update(clock="sundial"), "'clock' is 'sundial', expected one of wall"),
    "an entry's clock": (
        lambda d: d["entries"][STEM]["latency_ms"].update(sun=1.0),
        f"entries['{STEM}']: unknown clock 'sun'",
    ),
    "NaN": (
        lambda d: d["entries"][STEM]["latency_ms"].update(wall=math.nan),
        'latency_ms": {"wall":\': NaN is no number that JSON has',
    ),
    "infinity": (lambda d: d["entries"][STEM]["latency_ms"].update(cpu=math.inf), "Infinity is no"),
    "negative": (
        lambda d: d["entries"][STEM]["latency_ms"].update(wall=-0.5),
        "field 'wall' is -0.5, expected at least 0",
    ),
    "text": (lambda d: d["entries"][STEM]["latency_ms"].update(wall="1"), "is '1', expected a num"),
    "negative spread": (lambda d: d["entries"][STEM].update(std_ms=-1), "'std_ms' is -1"),
    "no samples": (lambda d: d["entries"][STEM].update(count=0), "'count' is 0"),
    "an entry of another kind": (lambda d: d["entries"].update({STEM: [1]}), "expected an object"),
    "an unknown key": (
        lambda d: d["entries"].update(stern=d["entries"][STEM]),
        "entries: 'stern' is no block of ofa-mbv3 w1.0@224",
    ),
    "networks": (lambda d: d.update(networks=[{"role": "judge"}]), "networks[0]: field 'role'"),
    "no digest": (lambda d: d.pop("sha256"), "'sha256' is missing"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_table_is_refused_and_says_what_is_wrong(name, data, stored):
    change, message = CHANGES[name]
    change(data)
    path = stored(data)
    before = path.read_bytes()
    with pytest.raises(CostModelInvalid) as caught:
        read_cost_model(path)
    assert message in caught.value.message
    assert caught.value.exit_code == 2
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not valid JSON: line 1"),
        ("[1, 2]", "expected an object"),
        ("3", "expected an object"),
        ("{}", "field 'kind' is missing"),
        ("\x00\x01", "is not valid JSON"),
    ],
)
def test_what_is_no_table_is_refused(text, message, stored):
    with pytest.raises(CostModelInvalid) as caught:
        read_cost_model(stored(text))
    assert message in caught.value.message


def test_a_table_truncated_anywhere_is_refused(data, stored):
    text = json.dumps(data)
    for end in (*range(1, 200, 13), *range(200, len(text), len(text) // 40), len(text) - 1):
        with pytest.raises(CostModelInvalid, match="not valid JSON"):
            read_cost_model(stored(text[:end]))


def test_a_disk_that_is_full_leaves_the_table_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "t.json"
    write_cost_model(made_up_table(), path)
    before = path.read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NasprofError, match=r"cannot write .*: No space left on device"):
        write_cost_model(made_up_table(seed=1), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_table_with_numbers_json_cannot_hold_is_not_written(tmp_path):
    table = made_up_table()
    broken = {**table.entries, STEM: Entry({"wall": math.nan})}
    with pytest.raises(ValueError, match="JSON"):
        write_cost_model(LookupTable("t", table.spaces, broken, {}), tmp_path / "t.json")
    assert not list(tmp_path.iterdir())


# --- questions that a table cannot answer ------------------------------------------------------


def test_missing_keys_are_counted_and_the_command_that_fills_them_is_named():
    table = made_up_table(leave_out=3, name="mine")
    space = table.spaces[0]
    missing = table.missing()
    assert [block.key for block in missing] == [block.key for block in space.vocabulary[-3:]]
    for ask in (
        lambda: table.latency_ms(space.sample(1, np.random.default_rng(0))),
        table.extremes,
    ):
        with pytest.raises(MissingEntries) as caught:
            ask()
        assert caught.value.message == (
            f"LUT 'mine' has no entry {missing[0].key} (3 of 93 keys of ofa-mbv3 w1.0@224 missing)"
        )
        assert build_command(table.provenance, space) in caught.value.remedy


def test_a_space_without_gaps_is_answered_beside_one_with_gaps():
    spaces = [get_space("ofa-mbv3", resolution=resolution) for resolution in (224, 160)]
    table = made_up_table(*spaces, leave_out=5)
    genes = spaces[0].sample(3, np.random.default_rng(0))
    assert (table.latency_ms(genes, spaces[0]) > 0).all()
    with pytest.raises(MissingEntries, match=r"5 of 93 keys of ofa-mbv3 w1\.0@160"):
        table.latency_ms(genes, spaces[1])


def test_the_command_that_fills_gaps_names_every_setting_of_the_space():
    space = get_space("ofa-mbv3", **TINY)
    command = build_command({"device": "my phone", "runtime": "litert", "threads": 2}, space)
    assert command.startswith("nasprof build-lut --space ofa-mbv3 --width 1.0 --resolution 28 ")
    assert "--device 'my phone' --runtime litert --threads 2" in command
    assert "--set stage_widths=[8,16,24,32,48]" in command.replace("'", "")
    assert "--precision" not in command


def test_the_command_that_fills_gaps_names_affinity_and_options_of_the_device():
    facts = {
        "affinity": [0, 3],
        "device_options": {"delegate": "gpu", "benchmark_flags": ["--a=1"]},
    }
    words = shlex.split(build_command(facts, get_space("ofa-mbv3")))
    assert words[words.index("--affinity") + 1] == "0,3"
    assert 'delegate="gpu"' in words
    assert 'benchmark_flags=["--a=1"]' in words
    assert words.count("--device-set") == 2


@pytest.mark.parametrize(
    "other",
    [{"resolution": 192}, {"width": 1.2}, {"classes": 10}],
    ids=["size", "width", "classes"],
)
def test_architectures_of_another_space_are_refused(other):
    table = made_up_table()
    space = get_space("ofa-mbv3", **other)
    with pytest.raises(SpaceMismatch, match=r"is of ofa-mbv3 w1.0@224, not of ofa-mbv3"):
        table.latency_ms(space.sample(1, np.random.default_rng(0)), space)


def test_a_table_of_several_spaces_must_be_told_which():
    spaces = [get_space("ofa-mbv3", resolution=resolution) for resolution in (224, 160)]
    table = made_up_table(*spaces)
    genes = spaces[0].sample(2, np.random.default_rng(0))
    with pytest.raises(SpaceMismatch, match="of several spaces"):
        table.latency_ms(genes)
    assert (table.latency_ms(genes, spaces[0]) > table.latency_ms(genes, spaces[1])).all()


def test_genes_out_of_range_are_refused():
    table = made_up_table()
    with pytest.raises(UsageError, match=r"genes\[0\]\[7\] is 3"):
        table.latency_ms(np.array([[0] * 7 + [3] + [0] * 37]))


def test_an_unaudited_table_has_no_bounds_and_says_how_to_get_them():
    table = made_up_table()
    assert (table.bounds(), table.agreement) == ({}, None)
    assert any("never compared" in doubt for doubt in table.doubts)
    with pytest.raises(UsageError) as caught:
        table.upper_bound_ms(table.spaces[0].sample(1, np.random.default_rng(0)))
    assert "nasprof audit" in caught.value.remedy


def test_blocks_are_equal_across_spaces_only_if_their_keys_are():
    spaces = [get_space("ofa-mbv3", resolution=resolution) for resolution in (224, 220)]
    blocks: dict[str, Block] = {}
    shared = 0
    for space in spaces:
        for block in space.vocabulary:
            shared += block.key in blocks
            assert blocks.setdefault(block.key, block) == block
    assert shared > 0
