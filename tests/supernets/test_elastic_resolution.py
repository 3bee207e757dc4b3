"""Supernets whose networks differ in resolution too."""

import numpy as np
import pytest
from small_supernets import ELASTIC, SPACES, card_of, digits_for

from nasprof.errors import UsageError
from spaces import get_space
from spaces.sharing import sharing_of
from supernets import Supernet, read_supernet, write_supernet

MEMBER = SPACES["ofa-mbv3"]


def test_weights_are_those_of_one_resolution(rng):
    sharing, own = sharing_of(ELASTIC), sharing_of(MEMBER)
    assert sharing.arrays == own.arrays
    assert sharing.channel_groups == own.channel_groups
    assert list(sharing.roles) == ["resolution", *own.roles]
    elastic, one = Supernet(ELASTIC), Supernet(MEMBER)
    for name, array in one.arrays().items():
        assert (elastic.arrays()[name] == array).all(), name
    genes = ELASTIC.sample(4, rng)
    for member, rows, theirs in ELASTIC.by_member(genes):
        weights = [sharing.network_weights(elastic.arrays(), row) for row in genes[rows]]
        supernet = Supernet(member)
        for at, row in enumerate(theirs):
            subnet = supernet.subnet(row)
            assert elastic.subnet(genes[rows[at]]).network == subnet.network
            for name, array in subnet.arrays().items():
                assert (weights[at][name] == array).all(), name


def test_cells_of_every_resolution_share_weights_too():
    cells = get_space("nasbench201", cells=1, resolution=8)
    elastic = get_space("elastic-resolution", of=cells.without_resolution, resolutions=[8, 16])
    assert sharing_of(elastic).arrays == sharing_of(cells).arrays
    assert not sharing_of(elastic).roles


def test_a_supernet_is_of_every_resolution(tmp_path, rng):
    path = tmp_path / "s.safetensors"
    data = digits_for(MEMBER)
    for written, others in ((MEMBER, (ELASTIC, ELASTIC.members[0])), (ELASTIC, ELASTIC.members)):
        write_supernet(path, Supernet(written), card_of(written, data))
        assert read_supernet(path)[1].space == written
        for other in others:
            supernet, card = read_supernet(path, other)
            assert card.space == supernet.space == other
            assert supernet.subnet(other.sample(1, rng)[0]).network.inputs[0] <= (16, 16, 1)
    wider = get_space("elastic-resolution", of={**ELASTIC.of, "classes": 26}, resolutions=[12, 16])
    with pytest.raises(UsageError, match="classes is 10, not 26"):
        read_supernet(path, wider)
    with pytest.raises(UsageError, match="asked for was nasbench201"):
        read_supernet(path, SPACES["nasbench201"])


def test_its_smallest_network_reads_the_smallest_images():
    supernet = Supernet(ELASTIC)
    assert ELASTIC.network(supernet.smallest).inputs[0] == (10, 10, 1)
    assert ELASTIC.network(supernet.largest).inputs[0] == ELASTIC.input_shape == (16, 16, 1)
    assert np.array_equal(supernet.smallest, np.zeros(46, np.int8))
