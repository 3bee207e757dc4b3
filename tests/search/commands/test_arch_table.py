"""Tables of architectures: whole in every terminal, with numbers and headings that are short."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.archives.stored import StoredObjective
from search.commands.arch_table import LONGEST, ArchRow, numbers, shortened, show_columns, show_rows
from search.naming import brief_arch
from spaces import get_space

OFA = get_space("ofa-mbv3")
ARCHS = [brief_arch(each) for each in OFA.decode(OFA.sample(12, np.random.default_rng(0)))]
LONG = [f"latency@cpu-litert-fp32-ofa-mbv3-w{width}-r224" for width in ("1.0", "1.2")]


def objective(name, unit):
    return StoredObjective(name, unit, maximise=False, facts={})


OBJECTIVES = (
    objective("top1", "%"),
    objective(LONG[0], "ms"),
    objective(LONG[1], "ms"),
    objective("params", "parameters"),
    objective("size_bytes", "bytes"),
)


def shown(objectives, names=("", "knee, preferred", "", "preferred")):
    """Twelve architectures, some of which have names."""
    rng = np.random.default_rng(1)
    return [
        ArchRow(
            names[place % len(names)],
            {each.name: float(10 ** rng.uniform(0, 7)) for each in objectives},
            arch,
        )
        for place, arch in enumerate(ARCHS)
    ]


def printed(capsys, width):
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    return lines


def column(lines, heading):
    """What stands in the last column, in a piece."""
    (top,) = [line for line in lines if heading in line]
    start, first = top.index(heading), lines.index(top) + 2
    rows = [line[start:] for line in lines[first:] if len(line) > start]
    return "".join(re.sub(r"\s", "", row) for row in rows)


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch):
    return lambda width: monkeypatch.setenv("COLUMNS", str(width))


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("unnamed", [True, False])
def test_long_names_leave_room_for_architectures(width, unnamed, wide, capsys):
    wide(width)
    objectives = OBJECTIVES[:3]
    rows = shown(objectives, ("",) if unnamed else ("", "knee", "", "preferred"))
    assert show_rows(objectives, rows, "a title", ["a note"])
    lines = printed(capsys, width)
    table = lines[: lines.index(f"latency@cpu-l…: {LONG[0]}")]
    assert column(table, "architecture") == "".join(ARCHS).replace(" ", "")
    assert f"latency@cpu-…2: {LONG[1]}" in lines
    assert lines[-1] == "a note"


def test_in_a_narrow_terminal_those_with_names_stand_below(wide, capsys):
    wide(80)
    rows = shown(OBJECTIVES[:4])
    assert show_rows(OBJECTIVES[:4], rows, None, [])
    lines = printed(capsys, 80)
    assert "architecture" not in "".join(lines)
    for each in rows:
        assert (f"{each.name}: {each.arch}" in lines) == bool(each.name)


def test_too_narrow_for_the_values_nothing_is_printed(wide, capsys):
    wide(60)
    assert not show_rows(OBJECTIVES, shown(OBJECTIVES), None, [])
    assert capsys.readouterr().out == ""


def test_in_any_terminal_numbers_are_whole_or_there_is_no_row(wide, capsys):
    rows, printed_at = shown(OBJECTIVES), []
    for width in range(20, 160):
        wide(width)
        if show_rows(OBJECTIVES, rows, None, []):
            printed_at.append(width)
            out = capsys.readouterr().out
            for each in OBJECTIVES:
                for cell in numbers([one.values[each.name] for one in rows]):
                    assert re.search(rf"(^| ){re.escape(cell)}( |$)", out, re.MULTILINE)
    assert printed_at == list(range(printed_at[0], 160))
    assert 60 < printed_at[0] < 100


def test_names_may_come_first(wide, capsys):
    wide(100)
    rows = shown(OBJECTIVES[:1], ("12 ms",))
    assert show_rows(OBJECTIVES[:1], rows, None, [], names="budget")
    lines = printed(capsys, 100)
    assert lines[1].split() == ["budget", "top1", "%", "architecture"]
    assert column(lines, "architecture") == "".join(ARCHS).replace(" ", "")


def test_all_that_are_compared_in_columns_are_there(wide, capsys):
    wide(80)
    rows = shown(OBJECTIVES[:1], tuple("abcdefghijkl"))
    show_columns(OBJECTIVES[:1], rows, "a title", ["a note"])
    lines = printed(capsys, 80)
    values = [line.split()[2::2] for line in lines if line.split()[:1] == ["top1"]]
    assert [len(each) for each in values] == [4, 4, 4]
    assert [line for line in lines if ": " in line] == [
        f"{each.name}: {each.arch}" for each in rows
    ]
    assert [lines[0].strip(), lines[-1]] == ["a title", "a note"]


# --- numbers and names ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([76.12345678, None, 5.0], ["76.1235", "-", "5"]),
        ([99_999.0], ["99999"]),
        ([100_000.0, 1234.0], ["100 k", "1.234 k"]),
        ([4_668_720.0, 73_306.0, None], ["4.669 M", "0.07331 M", "-"]),
        ([-2.5e9, 1.0], ["-2.5 G", "1e-09 G"]),
        ([3e15], ["3000 T"]),
        ([float("inf"), 3.0], ["inf", "3"]),
        ([], []),
    ],
)
def test_large_numbers_have_a_letter_the_same_for_all(values, expected):
    assert numbers(values) == expected


@given(st.lists(st.text("ab…2", min_size=1, max_size=20), unique=True))
def test_names_stay_different_when_they_are_shortened(names):
    short = shortened(names)
    assert list(short) == names
    assert len(set(short.values())) == len(names)
    for name, text in short.items():
        assert len(text) <= LONGEST
        if len(name) > LONGEST:
            assert "…" in text
