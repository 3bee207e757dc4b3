"""NAS-Bench-201 against the published benchmark."""

import numpy as np
import pytest
from data_files import rows

from nasprof.errors import UsageError
from spaces import get_space, parse_arch
from spaces.ops import Zero

SPACE = get_space("nasbench201")


def test_published_indices_and_arch_strings_round_trip():
    table = rows("nb201_test_acc_200ep.csv.gz")
    index = np.array([int(row["arch_idx"]) for row in table])
    cells = [row["arch"] for row in table]
    genes = SPACE.from_index(index)
    assert (len(np.unique(index)), SPACE.size) == (500, 15625)
    assert SPACE.to_strings(genes) == cells
    assert (SPACE.encode([{"space": "nasbench201", "cell": cell} for cell in cells]) == genes).all()
    assert (SPACE.index(genes) == index).all()


def test_landmarks_of_the_published_order():
    first = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|"
    first += "+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
    assert SPACE.to_strings(SPACE.from_index(np.array([0]))) == [first]
    assert SPACE.index(SPACE.from_index(np.arange(15625))).tolist() == list(range(15625))


def test_costs_are_the_published_ones_up_to_their_scaling():
    """The published columns are scaled; an affine map must explain them to their last digit."""
    table = rows("meta_train_nb201.csv.gz")
    genes = SPACE.encode([{"space": "nasbench201", "cell": row["arch"]} for row in table])
    for costs, column in ((SPACE.macs(genes), "flops"), (SPACE.params(genes), "params")):
        published = np.array([float(row[column]) for row in table])
        fit = np.polyfit(costs, published, 1)
        assert np.abs(np.polyval(fit, costs) - published).max() < 1e-6


def test_known_figures_of_the_largest_cell():
    genes = np.full((1, 6), 4, np.int8)
    assert SPACE.macs(genes) == 220_119_680
    assert SPACE.params(genes) == 1_531_546


def test_an_empty_cell_is_a_network_of_zeros():
    program = SPACE.network(np.zeros(6, np.int8)).program()
    assert any(isinstance(op, Zero) for op in program.ops)


def test_edges_that_reach_nothing_are_left_out_of_the_program():
    """Node 1 is written by a convolution but read by nobody."""
    cell = "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|skip_connect~2|"
    _, arch = parse_arch(cell)
    genes = SPACE.encode([arch])
    kept = {op.name for op in SPACE.network(genes[0]).program().ops}
    assert not any(name.startswith("cells.0.layers.0") for name in kept)
    assert SPACE.macs(genes) == SPACE.macs(SPACE.encode([{
        "space": "nasbench201",
        "cell": "|none~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_3x3~2|",
    }]))  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("|nor_conv_3x3~0|", "expected the form"),
        ("|conv9~0|+|none~0|none~1|+|none~0|none~1|none~2|", "operation 'conv9'"),
        ("|none~0|+|none~0|none~0|+|none~0|none~1|none~2|", "expected the form"),
    ],
)
def test_malformed_cells_are_refused(cell, message):
    with pytest.raises(UsageError, match=message):
        parse_arch(cell)


def test_an_index_outside_the_benchmark_is_refused():
    with pytest.raises(UsageError, match="index 15625 is outside 0 to 15624"):
        SPACE.from_index([15625])


def test_a_resolution_that_cannot_be_halved_twice_is_refused():
    with pytest.raises(UsageError, match="resolution is 30, expected a multiple of 4"):
        get_space("nasbench201", resolution=30)
