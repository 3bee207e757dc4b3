"""OFA's MobileNetV3 space against published networks, and its many notations."""

import json

import numpy as np
import pytest
from data_files import PUBLISHED, rows
from hypothesis import given
from hypothesis import strategies as st

from nasprof.errors import UsageError
from spaces import get_space, parse_arch, read_archs
from spaces.mobilenetv3_blocks import make_divisible

SPACE = get_space("ofa-mbv3")
LARGEST = {
    "space": "ofa-mbv3",
    "width": 1.0,
    "resolution": 224,
    "depths": [4] * 5,
    "kernel_sizes": [7] * 20,
    "expand_ratios": [6] * 20,
}


def digits(table, column):
    return np.array([[int(digit) for digit in row[column]] for row in table])


def test_macs_and_params_of_published_networks_match_to_the_last_unit():
    table = rows("ofa_mbv3_w10_top1.csv.gz")
    genes = SPACE.from_choices(digits(table, "d"), digits(table, "ks"), digits(table, "e"))
    assert len(table) == 200
    assert SPACE.macs(genes).tolist() == [int(row["macs"]) for row in table]
    assert SPACE.params(genes).tolist() == [int(row["params"]) for row in table]


def test_known_figures_of_the_space():
    ends = np.stack([np.zeros(45, np.int8), np.full(45, 2, np.int8)])
    assert SPACE.size == (9**2 + 9**3 + 9**4) ** 5
    assert len(SPACE.vocabulary) == 93
    assert SPACE.macs(ends).tolist() == [121278672, 566170656]
    assert SPACE.params(ends).tolist() == [3410792, 7664760]


def test_a_published_table_prices_the_same_blocks():
    """Block shapes of w1.2 against the keys of a published latency table."""
    text = (PUBLISHED / "224_lookup_table.yaml").read_text()
    published = {line.split("-expand")[0] for line in text.splitlines() if "expanded_conv" in line}
    space = get_space("ofa-mbv3", width=1.2)
    ours = set()
    for block in space.vocabulary:
        if block.key.startswith("mbconv"):
            shapes = ("x".join(map(str, shape)) for shape in (block.inputs[0], block.output))
            ours.add("expanded_conv-input:{}-output:{}".format(*shapes))
    assert ours == published


def test_all_notations_of_one_architecture_are_one(tmp_path, rng):
    genes = SPACE.sample(50, rng)
    ofa, pnag = SPACE.to_ofa(genes), SPACE.to_pnag(genes)
    for arch, as_ofa, as_pnag in zip(SPACE.decode(genes), ofa, pnag, strict=True):
        assert parse_arch(as_ofa) == parse_arch(as_pnag) == parse_arch(arch) == (SPACE, arch)
    (tmp_path / "pnag.txt").write_text(pnag[0] + "\n")
    (tmp_path / "ofa.json").write_text(json.dumps(ofa[0]))
    (tmp_path / "quoted.json").write_text(json.dumps(pnag[0]))
    for path in tmp_path.iterdir():
        assert read_archs(path) == [(SPACE, SPACE.decode(genes[:1])[0])]


def test_ofa_dicts_carry_the_width_of_the_wider_supernet(rng):
    wide = get_space("ofa-mbv3", width=1.2, resolution=192)
    genes = wide.sample(3, rng)
    assert [parse_arch(item)[1] for item in wide.to_ofa(genes)] == wide.decode(genes)


def test_pnag_strings_have_zeros_where_blocks_are_absent():
    example = (
        "3,4,4,3,3:5,7,5,0,7,7,7,3,3,5,3,7,7,5,5,0,7,7,5,0:4,3,4,0,6,6,6,6,4,6,6,6,3,4,3,0,6,3,3,0"
    )
    space, arch = parse_arch(example)
    assert space.to_pnag(space.encode([arch])) == [example]


def test_ofa_dicts_carry_their_resolution():
    space, arch = parse_arch({"ks": [3] * 20, "e": [4] * 20, "d": [2] * 5, "r": [160]})
    assert space.resolution == arch["resolution"] == 160
    assert (
        parse_arch({"wid": None, "ks": [3] * 20, "e": [4] * 20, "d": [2] * 5, "r": 160})[1] == arch
    )
    assert space.to_ofa(space.encode([arch]))[0]["r"] == [160]


@given(
    depths=st.lists(st.sampled_from([2, 3, 4]), min_size=5, max_size=5),
    junk=st.integers(-3, 9),
    kernel=st.sampled_from([3, 5, 7]),
)
def test_inactive_positions_may_hold_anything(depths, junk, kernel):
    used = (np.arange(4) < np.array(depths)[:, None]).ravel()
    arch = LARGEST | {
        "depths": depths,
        "kernel_sizes": [kernel if active else junk for active in used],
        "expand_ratios": [6 if active else junk for active in used],
    }
    tidy = LARGEST | {"depths": depths, "kernel_sizes": [kernel] * 20}
    assert parse_arch(arch) == parse_arch(tidy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"depths": [4, 4, 5, 4, 4]}, r"depths\[2\] is 5, expected one of 2, 3, 4"),
        ({"kernel_sizes": [3] * 19 + [9]}, r"kernel_sizes\[19\] is 9, expected one of 3, 5, 7"),
        ({"expand_ratios": [6] * 19}, r"expand_ratios is \[.*\], expected 20 whole numbers"),
        ({"depths": [4, 4, 4, 4, 4.0]}, r"depths\[4\] is 4.0, expected a whole number"),
        ({"depths": "44444"}, "expected 5 whole numbers"),
        ({"resolution": 225}, "resolution is 225, expected 128 to 256 in steps of 4"),
        ({"resolution": "224"}, "resolution is '224', expected a whole number"),
        ({"width": 1.1}, "width is 1.1, expected 1.0 or 1.2"),
        ({"stage_widths": [8, 16]}, r"stage_widths is \(8, 16\), expected 5 whole numbers"),
        ({"stage_strides": [1, 2, 3, 1, 1]}, r"stage_strides\[2\] is 3"),
        ({"classes": 0}, "classes is 0"),
    ],
)
def test_a_bad_field_is_named_with_its_value(change, message):
    with pytest.raises(UsageError, match=message):
        parse_arch(LARGEST | change)


def test_a_missing_field_is_named():
    with pytest.raises(UsageError, match="field 'depths' is missing"):
        parse_arch({key: value for key, value in LARGEST.items() if key != "depths"})


def test_archs_of_another_resolution_are_not_mixed_in():
    with pytest.raises(UsageError, match="belongs to another space"):
        SPACE.encode([LARGEST, LARGEST | {"resolution": 192}])


def test_channels_are_rounded_as_published():
    assert [make_divisible(c) for c in (16 * 1.2, 40 * 1.2, 112 * 1.2, 160 * 1.2)] == [
        24, 48, 136, 192
    ]  # fmt: skip
    assert make_divisible(3) == 8


def test_vectorised_macs_take_a_fraction_of_the_time_of_single_ones():
    """CPU time per architecture, many at once against one by one, in one process."""
    import time

    genes = SPACE.sample(20_000, np.random.default_rng(0))
    SPACE.macs(genes[:1])
    start = time.process_time()
    SPACE.macs(genes)
    together = (time.process_time() - start) / len(genes)
    start = time.process_time()
    for row in genes[:200]:
        SPACE.macs(row[None])
    alone = (time.process_time() - start) / 200
    assert together < alone / 20
