"""Files of architectures in the forms that other projects write."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nasprof.errors import UsageError
from spaces import get_space, parse_arch, read_archs
from spaces.python_literal import parse_literal

SPACE = get_space("ofa-mbv3")
CELLS = get_space("nasbench201")

# What NAT publishes of one network (neural-architecture-transfer, subnets/imagenet,
# net-img@224-flops@490-top1@79.9): its .subnet and its .encoding.
SUBNET = {
    "ks": [5, 3, 3, 5, 3, 5, 3, 5, 5, 3, 3, 5, 7, 3, 5, 7, 3, 3, 3],
    "e": [3, 3, 3, 4, 4, 4, 3, 4, 6, 3, 3, 6, 6, 6, 4, 6, 6, 6, 3],
    "d": [3, 4, 4, 4, 4],
    "r": 224,
    "w": 1.2,
}
ENCODING = "08121105451581189759771"
NUMBERS = [8, 1, 2, 1, 1, 0, 5, 4, 5, 1, 5, 8, 1, 1, 8, 9, 7, 5, 9, 7, 7, 1]
NAT = {
    "space": "ofa-mbv3",
    "width": 1.2,
    "resolution": 224,
    "depths": [3, 4, 4, 4, 4],
    "kernel_sizes": [5, 3, 3, 3, 5, 3, 5, 3, 5, 5, 3, 3, 5, 7, 3, 5, 7, 3, 3, 3],
    "expand_ratios": [3, 3, 3, 3, 4, 4, 4, 3, 4, 6, 3, 3, 6, 6, 6, 4, 6, 6, 6, 3],
}
OFA = {"ks": [5, 3] * 10, "e": [4, 6] * 10, "d": [2, 3, 4, 2, 3], "r": [192]}
OFA_ARCH = parse_arch(OFA)[1]
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"
NAMES = ["nor_conv_3x3", "none", "skip_connect", "avg_pool_3x3", "nor_conv_1x1", "none"]
NODES = (
    (("nor_conv_3x3", 0),),
    (("none", 0), ("skip_connect", 1)),
    (("avg_pool_3x3", 0), ("nor_conv_1x1", 1), ("none", 2)),
)


def read(tmp_path, text, name="arch.json"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return [arch for _, arch in read_archs(path)]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(SUBNET),
        str(SUBNET),
        ENCODING,
        ENCODING[1:],
        json.dumps(ENCODING),
        json.dumps(NUMBERS),
        str(tuple(NUMBERS)),
        " ".join(map(str, NUMBERS)),
        ", ".join(map(str, NUMBERS)),
        str(np.array(NUMBERS)),
        str({**SUBNET, "ks": [np.int64(k) for k in SUBNET["ks"]], "w": np.float64(1.2)}),
        json.dumps({**SUBNET, "ks": str(np.array(SUBNET["ks"])), "d": "[3 4 4 4 4]"}),
        f"OrderedDict({list(SUBNET.items())})",
        "\ufeff" + json.dumps(SUBNET, indent=4) + "\r\n",
    ],
)
def test_every_form_of_nat_is_the_same_network(tmp_path, text):
    assert read(tmp_path, text, "net.subnet") == [NAT]


def test_the_other_published_encoding_of_nat():
    arch = parse_arch("12115105572981578947781")[1]
    assert (arch["resolution"], arch["width"], arch["depths"]) == (240, 1.2, [3, 4, 4, 4, 4])


def test_an_archive_of_nsganetv2_is_read_with_its_numbers_left_out(tmp_path):
    smaller = {**SUBNET, "w": 1.0}
    archive = {
        "archive": [[SUBNET, 20.1, 490.2], [smaller, 22.5, 312.0]],
        "candidates": [[SUBNET, 20.1, 490.2]],
        "hv": 0.61,
        "surrogate": {"model": "rbf", "rmse": 0.1},
    }
    assert read(tmp_path, json.dumps(archive), "iter_3.stats") == [NAT, parse_arch(smaller)[1]]
    assert read(tmp_path, json.dumps(archive["archive"])) == [NAT, parse_arch(smaller)[1]]


def test_nsganetv2s_46_indices_are_read(rng):
    genes = get_space("ofa-mbv3", resolution=208).sample(5, rng)
    space = get_space("ofa-mbv3", resolution=208)
    for arch in space.decode(genes):
        indices = []
        for stage in range(5):
            at = slice(4 * stage, 4 * stage + 4)
            indices.append((2, 3, 4).index(arch["depths"][stage]))
            indices += [(3, 5, 7).index(k) for k in arch["kernel_sizes"][at]]
            indices += [(3, 4, 6).index(e) for e in arch["expand_ratios"][at]]
        assert parse_arch([*indices, (208 - 192) // 4])[1] == arch


@pytest.mark.parametrize("padding", [None, 0, -1, 9, "x", 1.5, [1]])
def test_positions_of_absent_blocks_may_hold_anything(padding):
    used = [block < depth for depth in OFA["d"] for block in range(4)]
    padded = OFA | {
        key: [value if use else padding for value, use in zip(OFA[key], used, strict=True)]
        for key in ("ks", "e")
    }
    assert parse_arch(padded)[1] == OFA_ARCH
    own = OFA_ARCH | {"kernel_sizes": padded["ks"], "expand_ratios": padded["e"]}
    assert parse_arch(own)[1] == OFA_ARCH


def test_one_number_stands_for_all():
    assert parse_arch({"ks": 7, "e": 6, "d": 4})[1] == parse_arch(
        {"ks": [7] * 20, "e": [6] * 20, "d": [4] * 5}
    )[1]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        str(OFA | {"wid": None}),
        json.dumps([OFA]),
        str([OFA]),
        str((OFA,)),
        "\ufeff" + json.dumps(OFA),
        json.dumps(OFA) + "\n\n",
    ],
)
def test_dicts_as_json_or_as_python_prints_them(tmp_path, text):
    assert read(tmp_path, text) == [OFA_ARCH]


@pytest.mark.parametrize(
    "record",
    [
        (0.771, OFA, 23.4),
        [[OFA, 22.9, 330.1]],
        {"arch": OFA_ARCH, "latency_ms": 5.2},
        [{"arch": OFA, "top1": 75.2}],
    ],
)
def test_records_of_an_architecture_with_numbers_are_read(tmp_path, record):
    assert read(tmp_path, repr(record)) == [OFA_ARCH]


def test_a_file_as_powershell_writes_it(tmp_path):
    assert read(tmp_path, b"\xff\xfe" + json.dumps(OFA).encode("utf-16-le")) == [OFA_ARCH]
    with pytest.raises(UsageError, match="is not text"):
        read(tmp_path, b"\xff\xfe{\0\0\xd8")


def test_the_line_that_is_damaged_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"arch\.json, line 3, is not valid JSON"):
        read(tmp_path, f'{json.dumps(OFA)}\n\n{{"ks": [3,\n')


@pytest.mark.parametrize("write", [json.dumps, str])
def test_a_value_a_line(tmp_path, write):
    lines = [write(OFA), "", write(SUBNET), write(CELL) if write is json.dumps else CELL]
    assert read(tmp_path, "\n".join(lines), "archs.jsonl") == [
        OFA_ARCH,
        NAT,
        {"space": "nasbench201", "cell": CELL},
    ]


def test_bare_strings_on_lines(tmp_path):
    pnag = SPACE.to_pnag(SPACE.sample(3, np.random.default_rng(0)))
    assert read(tmp_path, "\n".join([*pnag, ENCODING, CELL])) == [
        parse_arch(text)[1] for text in [*pnag, ENCODING, CELL]
    ]


@pytest.mark.parametrize(
    "value",
    [NAMES, tuple(NAMES), NODES, [list(map(list, node)) for node in NODES], {"arch_str": CELL}],
)
def test_tuples_of_operations_are_cells(tmp_path, value):
    assert parse_arch(value)[1] == {"space": "nasbench201", "cell": CELL}
    assert read(tmp_path, str(value)) == [{"space": "nasbench201", "cell": CELL}]


def test_a_configuration_of_a_cell_keeps_its_sizes():
    config = {"name": "infer.tiny", "C": 8, "N": 3, "arch_str": CELL, "num_classes": 100}
    expected = {"space": "nasbench201", "channels": 8, "cells": 3, "classes": 100, "cell": CELL}
    assert parse_arch(config)[1] == expected


def test_a_number_in_nasbench201s_list_is_read_where_it_says_so(tmp_path):
    genes = CELLS.from_index(np.array([1462]))
    assert read(tmp_path, '{"index": 1462}') == CELLS.decode(genes)
    with pytest.raises(UsageError, match="index is 15625, expected a whole number from 0 to 15624"):
        parse_arch({"index": 15625})
    with pytest.raises(UsageError, match=r"this is no architecture: 1462") as caught:
        read(tmp_path, "1462")
    assert '{"index": ...}' in caught.value.remedy


WRONG = [
    (
        {**SUBNET, "ks": [3] * 18},
        r"ks \(kernel_sizes\) has 18 numbers, expected 20.*19, the sum of d",
    ),
    (
        {**SUBNET, "e": SUBNET["e"] + [3, 3]},
        r"e \(expand_ratios\) has 21 numbers, expected 20.*19, the sum of d",
    ),
    ({**SUBNET, "d": [3, 4, 4, 4]}, r"d is \[3, 4, 4, 4\], expected 5 whole numbers"),
    ({**SUBNET, "d": [3, 4, 4, 4, 5]}, r"d\[4\] is 5, expected a whole number from 2 to 4"),
    ({**SUBNET, "ks": [*SUBNET["ks"][:-1], 4]}, r"kernel_sizes\[19\] is 4, expected one of 3, 5"),
    ({**SUBNET, "wid": 1.0}, "w is 1.2 and wid is 1.0, expected one width"),
    ({**OFA, "wid": 0}, "wid is 0, which may be OFA's index"),
    ({**SUBNET, "w": 1.1}, "width is 1.1, expected 1.0 or 1.2"),
    ({**OFA, "ks": "357"}, r"ks \(kernel_sizes\) is '357', expected a list of whole numbers"),
    ({**OFA, "ks": [None] * 20}, r"kernel_sizes\[0\] is None, expected a whole number"),
    ("18121105451581189759771", r"the resolution \(first number\) is 18, expected 0 to 16"),
    ("08521105451581189759771", r"the width \(second number\) is 5, expected 0 to 1"),
    ("08120105451581189759771", r"stage 1 of the encoding is \[2, 0, 1, 0\], expected 2 to 4"),
    ([8, 1, *([10] * 20)], "a block of the encoding is 10, expected 0 to 9"),
    ([8, 1, 2], "this is no architecture"),
    ([3] * 46, "number 1 of the encoding is 3, expected 0 to 2"),
    (NAMES[:5], "5 operations, expected 6"),
    ([*NAMES[:5], "conv"], "operation 'conv', expected one of none"),
    ({"blocks": [], "first_conv": {}, "name": "NATNet"}, "a whole network layer by layer"),
    ({"ks": [3], "e": [3]}, "this is no architecture"),
]


@pytest.mark.parametrize(("value", "words"), WRONG)
def test_what_is_wrong_is_named_and_no_cut_off_file_is_blamed(tmp_path, value, words):
    with pytest.raises(UsageError, match=words) as caught:
        read(tmp_path, value if isinstance(value, str) else repr(value))
    assert "arch.json" in caught.value.message
    assert "truncated" not in f"{caught.value.message}{caught.value.remedy}"


def test_more_architectures_than_can_be_gone_through_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"arch\.json: it holds 10,001 architectures"):
        read(tmp_path, json.dumps([0] * 10_001))


@pytest.mark.parametrize(
    "text",
    [
        '{"ks": [3, 5}',
        "{'ks': [3, 5}",
        "{'ks': open('x')}",
        "{'ks': 1, 'ks': 2}",
        "{'ks': {1, 2}}",
        "{**{}}",
        "[1, 2",
        "-" * 50_000 + "1'",
        "(" * 50_000 + "'",
        "'" + "\\x" * 1000 + "'",
        "(1" + "+1" * 50_000 + ")",
        "{'ks': " + "9" * 5000 + "}",
        "True",
        "",
        "\ufeff",
        "# no architecture",
    ],
)
def test_damaged_files_are_named_without_a_traceback(tmp_path, text):
    with pytest.raises(UsageError, match=r"arch\.json") as caught:
        read(tmp_path, text)
    if text.endswith("}"):
        assert "truncated" not in (caught.value.remedy or "")


def test_python_literals_are_values_and_nothing_else(tmp_path):
    assert parse_literal("{'a': -1.5, 'b': (True, None, 'x')}", tmp_path) == {
        "a": -1.5, "b": (True, None, "x")
    }  # fmt: skip
    for text in ("__import__('os')", "a", "f'x'", "b'x'", "1j", "-'x'", "array(1, 2)", "[x for x]"):
        with pytest.raises(UsageError, match="is no Python literal"):
            parse_literal(text, tmp_path)


@pytest.mark.parametrize("position", [0, 3])
def test_a_choice_of_hundreds_of_digits_is_named_and_cut_short(position):
    values = list(OFA_ARCH["kernel_sizes"])
    values[position] = 10**400
    with pytest.raises(UsageError, match=rf"kernel_sizes\[{position}\] is .*1329 bits") as caught:
        parse_arch(OFA_ARCH | {"kernel_sizes": values})
    assert len(caught.value.message) < 120


def test_a_width_of_hundreds_of_digits_is_named_and_cut_short():
    with pytest.raises(UsageError, match=r"width is .* expected 1\.0 or 1\.2") as caught:
        parse_arch(OFA_ARCH | {"width": int("9" * 400)})
    assert len(caught.value.message) < 120
