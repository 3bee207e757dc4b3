"""Tables of other people: OFA's YAML and CSV."""

import itertools
import math

import numpy as np
import pytest
import yaml
from data_files import PUBLISHED
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from tables import TINY, made_up_table

from luts import Entry, LookupTable, MissingEntries
from luts.formats import Imported, table_formats
from luts.formats.ofa_keys import ofa_keys
from luts.formats.transfer import import_files
from nasprof.errors import UsageError
from spaces import get_space

OFA, CSV = table_formats.get("ofa")(), table_formats.get("csv")()
SPACE = get_space("ofa-mbv3")
CELLS = get_space("nasbench201")


def ends(table, space):
    """The smallest and the full network's latency."""
    genes = np.stack([np.zeros(45, np.int8), np.full(45, 2, np.int8)])
    return table.latency_ms(genes, space).tolist()


# --- every format -------------------------------------------------------------------------------

NAMES = [
    "csv",
    "ofa",
]

every_format = pytest.mark.parametrize("name", list(table_formats))


def test_the_names_are_those_documented():
    assert list(table_formats) == sorted(NAMES)


@every_format
def test_what_is_written_is_read_again_with_the_same_times(name, rng):
    reads, table = table_formats.get(name)(), made_up_table(SPACE)
    exported = reads.write(table)
    assert exported.files
    again = reads.read(exported.files, () if reads.names_spaces else (SPACE,))
    assert list(again.spaces) == [SPACE]
    copy = LookupTable("copy", tuple(again.spaces), again.entries, {})
    genes = SPACE.sample(50, rng)
    assert copy.latency_ms(genes, SPACE) == pytest.approx(table.latency_ms(genes, SPACE), rel=1e-9)


@every_format
@pytest.mark.parametrize("text", ["", "\n", "{}", "[[[[", "a,b\n1,2\n", "x: {mean: -1}", "\0"])
def test_what_is_no_table_is_refused(name, text):
    with pytest.raises(UsageError):
        table_formats.get(name)().read({"some file": text}, (SPACE,))


@every_format
def test_blocks_of_another_space_are_refused(name):
    reads = table_formats.get(name)()
    exported = reads.write(made_up_table(SPACE))
    if reads.names_spaces:
        assert list(reads.read(exported.files, (CELLS,)).spaces) == [SPACE]
        return
    with pytest.raises(UsageError, match="unknown"):
        reads.read(exported.files, (CELLS,))


# --- OFA's YAML --------------------------------------------------------------------------------

ENDS = {160: (9.89, 47.77), 192: (13.33, 67.56), 224: (17.77, 92.40)}


def test_the_published_table_sums_to_the_published_latencies():
    paths = [PUBLISHED / f"{resolution}_lookup_table.yaml" for resolution in ENDS]
    table, notes = import_files(OFA, "ofa", paths, (), "note10", "Note10")
    assert notes == []
    assert [space.label for space in table.spaces] == [f"ofa-mbv3 w1.2@{r}" for r in ENDS]
    for space, expected in zip(table.spaces, ENDS.values(), strict=True):
        assert table.missing(space) == []
        assert ends(table, space) == pytest.approx(expected, abs=0.005)
        found = table.extremes(space)
        assert (found.min_ms, found.max_ms) == pytest.approx(expected, abs=0.005)


def plain_sum(rows, space, genes):
    """What OFA's own lookup gives: every row of a network added, by its own keys."""
    keys = ofa_keys(space)
    used = [space.vocabulary[slot].key for slot in space.slots(genes[None])[0] if slot >= 0]
    return sum(rows[row]["mean"] for key in used for row in keys[key])


def test_every_published_file_is_read_whole(rng):
    for path in sorted(PUBLISHED.glob("*.yaml")):
        table, _ = import_files(OFA, "ofa", [path], (), path.stem)
        rows = yaml.safe_load(path.read_text())
        (space,) = table.spaces
        assert space == get_space("ofa-mbv3", width=1.2, resolution=int(path.name[:3]))
        keys = ofa_keys(space)
        assert sorted(itertools.chain(*keys.values())) == sorted(rows)
        for genes in space.sample(5, rng):
            expected = plain_sum(rows, space, genes)
            assert table.latency_ms(genes[None])[0] == pytest.approx(expected, rel=1e-12)


def test_the_head_is_the_sum_of_its_rows():
    path = PUBLISHED / "224_lookup_table.yaml"
    table, _ = import_files(OFA, "ofa", [path], (), "t")
    parts = [
        row
        for key, row in yaml.safe_load(path.read_text()).items()
        if key.startswith(("Conv_1", "AvgPool2D", "Conv_2", "Logits"))
    ]
    head = table.entries[table.spaces[0].vocabulary[-1].key]
    assert len(parts) == 4
    assert head.latency_ms == {"wall": pytest.approx(sum(part["mean"] for part in parts))}
    assert head.std_ms == pytest.approx(math.hypot(*(part["std"] for part in parts)))
    assert head.count == min(part["count"] for part in parts)


def test_blocks_that_several_files_hold_are_pooled_and_counted():
    paths = [PUBLISHED / f"{resolution}_lookup_table.yaml" for resolution in (220, 224)]
    table, notes = import_files(OFA, "ofa", paths, (), "t")
    alone = [import_files(OFA, "ofa", [path], (), "t")[0] for path in paths]
    both = alone[0].entries.keys() & alone[1].entries.keys()
    assert both
    assert f"{len(both)} of {len(table.entries)} blocks are in several files" in notes[0]
    for key in both:
        parts = [one.entries[key] for one in alone]
        counts, means = ([part.count for part in parts], [p.latency_ms["wall"] for p in parts])
        samples = np.concatenate(
            [  # two samples a file have its mean and spread, repeated as often as it has samples
                np.repeat([mean - part.std_ms, mean + part.std_ms], count)
                for part, mean, count in zip(parts, means, counts, strict=True)
            ]
        )
        entry = table.entries[key]
        assert entry.latency_ms["wall"] == pytest.approx(samples.mean())
        assert entry.std_ms == pytest.approx(samples.std())
        assert entry.count == sum(counts)


@pytest.mark.parametrize("width", [1.0, 1.2])
def test_an_exported_table_is_read_again_with_the_same_times(width, rng):
    spaces = [get_space("ofa-mbv3", width=width, resolution=size) for size in (128, 188, 256)]
    table = made_up_table(*spaces)
    exported = OFA.write(table)
    assert list(exported.files) == [f"{size}_lookup_table.yaml" for size in (128, 188, 256)]
    again = OFA.read(exported.files, ())
    copy = LookupTable("copy", again.spaces, again.entries, {})
    assert again.spaces == tuple(spaces)
    for space in spaces:
        genes = space.sample(50, rng)
        assert copy.latency_ms(genes, space).tolist() == table.latency_ms(genes, space).tolist()
    assert {key: entry.std_ms for key, entry in again.entries.items()} == {
        key: entry.std_ms for key, entry in table.entries.items()
    }


def test_an_export_says_that_the_head_is_not_divided():
    exported = OFA.write(made_up_table())
    (text,) = exported.files.values()
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert any("whole head stands under Conv_1" in line for line in comments)
    assert any("whole head stands under Conv_1" in loss for loss in exported.losses)
    assert any("cpu times are left out" in loss for loss in exported.losses)
    rows = yaml.safe_load(text)
    assert rows["AvgPool2D-input:7x7x960-output:1x1x960"]["mean"] == 0
    head = SPACE.vocabulary[-1].key
    expected = made_up_table().entries[head].latency_ms["wall"]
    assert rows["Conv_1-input:7x7x160-output:7x7x960"]["mean"] == expected


@pytest.mark.parametrize(
    "space", [CELLS, get_space("ofa-mbv3", **TINY), get_space("ofa-mbv3", stem_width=24)]
)
def test_spaces_that_ofas_keys_cannot_tell_are_not_exported(space):
    with pytest.raises(UsageError, match="OFA's format is for ofa-mbv3") as caught:
        OFA.write(made_up_table(space))
    assert "--format csv" in caught.value.remedy


def test_number_of_classes_follows_from_the_keys():
    space = get_space("ofa-mbv3", classes=10)
    exported = OFA.write(made_up_table(space))
    assert OFA.read(exported.files, ()).spaces == (space,)


def test_an_incomplete_table_is_not_exported_to_ofa():
    with pytest.raises(MissingEntries, match="2 of 93 keys"):
        OFA.write(made_up_table(leave_out=2))


@pytest.fixture
def rows():
    """A complete table as OFA's rows."""
    (text,) = OFA.write(made_up_table()).files.values()
    return yaml.safe_load(text)


LOGITS = "Logits-input:1x1x1280-output:1000"
CONV = "Conv-input:224x224x3-output:112x112x16"
(FIRST,) = ofa_keys(SPACE)[SPACE.vocabulary[1].key]
ROW_CHANGES = {
    "unknown": (
        lambda d: d.update({"Conv_9-input:1": dict(d[LOGITS])}),
        "1 of 97 keys are unknown: 'Con",
    ),
    "no stem": (lambda d: d.pop(CONV), "0 of 95 keys are a first convolution"),
    "two stems": (
        lambda d: d.update({"Conv-input:192x192x3-output:96x96x16": dict(d[CONV])}),
        "2 of 97 keys are a first convolution",
    ),
    "no known width": (
        lambda d: d.update({"Conv-input:224x224x3-output:112x112x20": d.pop(CONV)}),
        "first convolution of no width that is known",
    ),
    "wrong width": (
        lambda d: d.update({"Conv-input:224x224x3-output:112x112x24": d.pop(CONV)}),
        "of 96 keys are unknown",
    ),
    "impossible size": (
        lambda d: d.update({"Conv-input:100x100x3-output:50x50x16": d.pop(CONV)}),
        "resolution is 100, expected 128 to 256",
    ),
    "part of the head": (lambda d: d.pop(LOGITS), f"{LOGITS[:6]}"),
    "NaN": (lambda d: d[FIRST].update(mean=math.nan), f"{FIRST}: field 'mean' is '.nan'"),
    "negative": (lambda d: d[FIRST].update(mean=-1.0), "'mean' is -1.0, expected at least 0"),
    "text": (lambda d: d[FIRST].update(mean="fast"), "'mean' is 'fast', expected a number"),
    "no mean": (lambda d: d[FIRST].pop("mean"), "'mean' is missing"),
    "negative spread": (lambda d: d[FIRST].update(std=-1.0), "'std' is -1.0"),
    "no samples": (lambda d: d[FIRST].update(count=0), "'count' is 0"),
    "a number": (lambda d: d.update({FIRST: 3.0}), "is 3.0, expected an object"),
}


@pytest.mark.parametrize("name", ROW_CHANGES)
def test_a_wrong_row_is_named(name, rows):
    change, message = ROW_CHANGES[name]
    change(rows)
    with pytest.raises(UsageError) as caught:
        OFA.read({"t.yaml": yaml.safe_dump(rows)}, ())
    assert message in caught.value.message
    assert caught.value.message.startswith("t.yaml")


def test_missing_rows_are_missing_entries(rows):
    del rows[FIRST]
    found = OFA.read({"t.yaml": yaml.safe_dump(rows)}, ())
    table = LookupTable("t", found.spaces, found.entries, {})
    assert [block.key for block in table.missing()] == [SPACE.vocabulary[1].key]


def test_spread_and_count_may_be_absent(rows):
    for row in rows.values():
        del row["std"], row["count"]
    entries = OFA.read({"t.yaml": yaml.safe_dump(rows)}, ()).entries
    assert {(entry.std_ms, entry.count) for entry in entries.values()} == {(None, None)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a mapping"),
        ("- 1\n- 2\n", "expected a mapping"),
        ("a: {mean: 1.0\nb: 2", "t.yaml, line 2: this is no plain YAML"),
        ("a: !!python/object/apply:os.system ['false']\n", "line 1: this is no plain YAML"),
        ("a: 2020-13-45\n", "a is '2020-13-45', expected an object"),
        ("? [1, 2]\n: 3\n", "this is no plain YAML"),
        ("1: {mean: 1}\n", "expected a mapping of keys"),
        ("a: {mean: 1}\nb: {mean: 1}\na: {mean: 2}\n", "line 3: 'a' stands a second time, after l"),
        ("a: {mean: 1, mean: 2}\n", "'mean' stands a second time"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(text, message):
    with pytest.raises(UsageError) as caught:
        OFA.read({"t.yaml": text}, ())
    assert message in caught.value.message


def test_one_resolution_in_two_files_is_refused(rows):
    text = yaml.safe_dump(rows)
    with pytest.raises(UsageError, match=r"b\.yaml: ofa-mbv3 w1\.0@224 was already read from a"):
        OFA.read({"a.yaml": text, "b.yaml": text}, ())


# --- CSV ---------------------------------------------------------------------------------------

TIMES = st.floats(0, 86_400_000.0, allow_nan=False)


@given(data=st.data())
@effort(max_examples=40)
def test_a_table_survives_the_way_through_csv(data):
    keys = data.draw(st.sets(st.sampled_from([b.key for b in CELLS.vocabulary]), min_size=1))
    entry = st.builds(
        Entry,
        st.fixed_dictionaries({"wall": TIMES}, optional={"cpu": TIMES}),
        st.none() | TIMES,
        st.none() | st.integers(1, 10**6),
    )
    entries = {key: data.draw(entry) for key in keys}
    exported = CSV.write(LookupTable("t", (CELLS,), entries, {}))
    again = CSV.read(exported.files, [CELLS])
    assert again == Imported((CELLS,), entries)
    assert exported.losses == []


def test_one_csv_holds_several_spaces():
    spaces = [get_space("ofa-mbv3", resolution=size) for size in (224, 160)]
    table = made_up_table(*spaces)
    again = CSV.read(CSV.write(table).files, spaces)
    assert again.entries == table.entries


def test_what_csv_cannot_say_is_said():
    table = made_up_table()
    first, second = list(table.entries)[:2]
    entries = {
        **table.entries,
        first: Entry({"cpu": 1.0}),
        second: Entry({"wall": 1.0}, flags=("drift",)),
    }
    exported = CSV.write(LookupTable("t", table.spaces, entries, {}))
    assert exported.losses == [
        "1 of 93 entries have no wall-clock time and are left out",
        "the flags of entries are left out",
    ]
    assert len(exported.files["t.csv"].splitlines()) == 1 + 92
    with pytest.raises(UsageError, match="no wall-clock times"):
        CSV.write(LookupTable("t", table.spaces, {first: Entry({"cpu": 1.0})}, {}))


def lines(*rows, header="key,latency_ms"):
    return "\n".join([header, *rows]) + "\n"


STEM, HEAD = CELLS.vocabulary[0].key, CELLS.vocabulary[-1].key


def test_columns_may_stand_in_any_order_and_be_written_by_a_spreadsheet():
    text = "\ufeff" + f'count, latency_ms ,key\r\n50,1.5,"{STEM}"\r\n,2e-1, {HEAD} \r\n\r\n'
    found = CSV.read({"t.csv": text}, [CELLS])
    assert found.entries == {
        STEM: Entry({"wall": 1.5}, None, 50),
        HEAD: Entry({"wall": 0.2}, None, None),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.csv, line 1: column 'key' is missing"),
        ("key;latency_ms\n", "line 1: column 'key' is missing: found 'key;latency_ms'"),
        (lines(header="key,ms"), "line 1: column 'latency_ms' is missing: found 'key, ms'"),
        (lines(header="key,latency_ms,sdt_ms"), "line 1: unknown column 'sdt_ms'"),
        (lines(header="key,latency_ms,key"), "line 1: column 'key' stands twice"),
        (lines(), "no line below the header"),
        (lines(f"{STEM},1", "stern,2"), "1 of 2 keys are unknown: 'stern' (t.csv, line 3)"),
        (lines("a,1", "b,1", "c,1", "d,1"), "4 of 4 keys are unknown: 'a' (t.csv, line 2), 'b'"),
        (lines(f"{STEM},1", f"{HEAD},1", f"{STEM},1"), "line 4: 'stem-i32x32x3-c16' stands a se"),
        (lines(f"{STEM},nan"), "line 2: latency_ms is 'nan', expected a number of at least 0"),
        (lines(f"{STEM},inf"), "line 2: latency_ms is 'inf'"),
        (lines(f"{STEM},1", f"{HEAD},-0.1"), "line 3: latency_ms is '-0.1'"),
        (lines(f"{STEM},fast"), "line 2: latency_ms is 'fast'"),
        (lines(f"{STEM},"), "line 2: latency_ms is empty"),
        (lines(f"{STEM},1,2"), "line 2: 3 cells, expected 2"),
        (lines(f"{STEM}"), "line 2: 1 cells, expected 2"),
        (lines(f'"{STEM},1'), "this is no CSV"),
        (lines(f"{STEM},1,0.5", header="key,latency_ms,count"), "count is 0.5, expected a whole"),
        (lines(f"{STEM},1,0", header="key,latency_ms,count"), "count is 0, expected a whole"),
        (lines(f"{STEM},1,-2", header="key,latency_ms,cpu_ms"), "cpu_ms is '-2'"),
        (lines(f"{STEM},1,nan", header="key,latency_ms,std_ms"), "std_ms is 'nan'"),
    ],
)
def test_what_is_wrong_in_a_csv_is_named_with_its_line(text, message):
    with pytest.raises(UsageError) as caught:
        CSV.read({"t.csv": text}, [CELLS])
    assert message in caught.value.message


def test_keys_that_stand_in_two_files_are_refused():
    texts = {"a.csv": lines(f"{STEM},1"), "b.csv": lines(f"{STEM},2")}
    with pytest.raises(UsageError, match=r"b\.csv, line 2: .* after a\.csv, line 2"):
        CSV.read(texts, [CELLS])


def test_keys_of_another_width_are_unknown_and_the_expected_ones_are_shown():
    text = CSV.write(made_up_table(get_space("ofa-mbv3", width=1.2))).files["made-up.csv"]
    with pytest.raises(UsageError) as caught:
        CSV.read({"t.csv": text}, [SPACE])
    assert "93 of 93 keys are unknown" in caught.value.message
    assert "93 keys of ofa-mbv3 w1.0@224, such as stem-i224x224x3" in caught.value.remedy


# --- any format --------------------------------------------------------------------------------


def test_imported_tables_say_what_is_known_of_their_origin_and_what_is_not(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(lines(f"{STEM},1"))
    table, _ = import_files(CSV, "csv", [path], [CELLS], "t")
    facts = table.provenance
    assert (facts["source"], facts["format"]) == ("imported", "csv")
    assert facts["files"][0]["file"] == "mine.csv"
    assert len(facts["files"][0]["sha256"]) == 64
    assert [facts[key] for key in ("device", "runtime", "threads", "precision")] == [None] * 4
    named, _ = import_files(CSV, "csv", [path], [CELLS], "t", "Pixel 4")
    assert named.provenance["device"] == "Pixel 4"


def test_a_file_named_twice_or_unreadable_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"t\.csv is not text"):
        import_files(CSV, "csv", [path], [CELLS], "t")
    with pytest.raises(UsageError, match="cannot read"):
        import_files(CSV, "csv", [tmp_path / "none.csv"], [CELLS], "t")
    path.write_text(lines(f"{STEM},1"))
    with pytest.raises(UsageError, match="named twice"):
        import_files(CSV, "csv", [path, path], [CELLS], "t")
