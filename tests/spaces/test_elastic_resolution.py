"""The input resolution as a gene; what every space does is in test_spaces.py."""

import json

import numpy as np
import pytest

from nasprof.errors import UsageError
from spaces import get_space, parse_arch
from spaces.neighbours import neighbours

OF = {"space": "ofa-mbv3", "width": 1.2}
SPACE = get_space("elastic-resolution", of=OF, resolutions=[160, 192, 224])


def test_the_first_gene_is_the_resolution():
    assert SPACE.n_genes == 46
    assert SPACE.n_choices.tolist() == [3, *[3] * 45]
    assert SPACE.size == 3 * SPACE.at(160).size
    genes = np.repeat(SPACE.sample(1, np.random.default_rng(0)), 3, 0)
    genes[:, 0] = range(3)
    assert [SPACE.network(row).inputs[0] for row in genes] == [
        (160, 160, 3),
        (192, 192, 3),
        (224, 224, 3),
    ]
    assert (np.diff(SPACE.macs(genes)) > 0).all()
    assert len(set(SPACE.params(genes).tolist())) == 1
    assert [arch["resolution"] for arch in SPACE.decode(genes)] == [160, 192, 224]


def test_architectures_are_those_of_the_space_at_their_resolution(rng):
    wide = get_space("ofa-mbv3", width=1.2, resolution=192)
    assert SPACE.at(192) == wide
    own = wide.sample(5, rng)
    genes = SPACE.encode(wide.decode(own))
    assert (genes[:, 0] == 1).all()
    assert (genes[:, 1:] == own).all()
    for row, theirs in zip(genes, own, strict=True):
        assert SPACE.network(row) == wide.network(theirs)
    assert parse_arch(SPACE.decode(genes)[0])[0] == wide


def test_networks_of_all_resolutions_have_the_same_blocks_once():
    alone = {block.key for member in SPACE.members for block in member.vocabulary}
    assert {block.key for block in SPACE.vocabulary} == alone
    assert len(SPACE.vocabulary) == len(alone)


def test_images_are_as_large_as_the_largest_resolution():
    assert SPACE.input_shape == (224, 224, 3)


def test_a_neighbour_may_have_another_resolution(rng):
    genes = SPACE.sample(1, rng)
    near = neighbours(SPACE, genes)[0]
    assert sorted({int(row[0]) for row in near}) == [0, 1, 2]
    assert (near[:2, 1:] == genes[0, 1:]).all()


def test_it_comes_from_a_file_and_goes_back(tmp_path):
    path = tmp_path / "elastic.json"
    path.write_text(json.dumps(SPACE.settings))
    read = get_space(str(path))
    assert read == SPACE
    assert hash(read) == hash(SPACE)
    assert json.loads(json.dumps(read.settings)) == SPACE.settings
    assert read.label == "elastic-resolution 160/192/224 of ofa-mbv3 w1.2@224"
    assert read != get_space("elastic-resolution", of=OF, resolutions=[160, 224])


def test_other_settings_are_of_the_space_that_it_is_of():
    fewer = SPACE.with_settings(classes=10)
    assert fewer.settings == {**SPACE.settings, "of": {**OF, "classes": 10}}
    assert SPACE.with_settings(resolution=192, classes=10) == get_space(
        "ofa-mbv3", width=1.2, resolution=192, classes=10
    )
    with pytest.raises(UsageError, match="unknown field 'clases'"):
        SPACE.with_settings(clases=10)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"of": OF}, "field 'resolutions' is missing"),
        ({"resolutions": [160, 192]}, "field 'of' is missing"),
        ({"of": "ofa-mbv3", "resolutions": [160, 192]}, "of is 'ofa-mbv3', expected the settings"),
        ({"of": {"width": 1.2}, "resolutions": [160, 192]}, "expected the settings of a space"),
        ({"of": OF, "resolutions": 160}, "resolutions is 160, expected 2 to 32 whole numbers"),
        ({"of": OF, "resolutions": [160]}, "expected 2 to 32"),
        ({"of": OF, "resolutions": list(range(128, 260, 4))}, "expected 2 to 32"),
        ({"of": OF, "resolutions": [160, "192"]}, r"resolutions\[1\] is '192', expected a whole"),
        ({"of": OF, "resolutions": [192, 160]}, "each once, in ascending order"),
        ({"of": OF, "resolutions": [160, 160]}, "each once, in ascending order"),
        ({"of": OF, "resolutions": [160, 190]}, "resolution is 190, expected 128 to 256"),
        ({"of": {**OF, "resolution": 160}, "resolutions": [160, 192]}, "of has a resolution, 160"),
        ({"of": {"space": "mbv3"}, "resolutions": [160, 192]}, "no space is called 'mbv3'"),
        ({"of": SPACE.settings, "resolutions": [160, 192]}, "is an elastic-resolution space its"),
        ({"of": OF, "resolutions": [160, 192], "width": 1.2}, "unknown field 'width'"),
    ],
)
def test_what_is_no_such_space_is_refused(settings, match):
    with pytest.raises(UsageError, match=match):
        get_space("elastic-resolution", **settings)


def test_architectures_of_other_spaces_are_refused(rng):
    other = get_space("ofa-mbv3", width=1.2, resolution=176)
    with pytest.raises(UsageError, match=r"arch 0 belongs to another space.*got ofa.*@176"):
        SPACE.encode(other.decode(other.sample(1, rng)))
    with pytest.raises(UsageError, match="arch 0 is of space 'nasbench201', expected 'ofa-mbv3'"):
        SPACE.encode([{"space": "nasbench201", "cell": "|"}])
    with pytest.raises(UsageError, match="arch 0 is of space 'elastic-resolution'"):
        parse_arch(SPACE.settings)
    good, wrong = SPACE.decode(SPACE.sample(2, rng))
    with pytest.raises(UsageError, match=r"arch 1: depths\[0\] is 9, expected one of 2, 3, 4"):
        SPACE.encode([good, {**wrong, "depths": [9] * 5}])
    with pytest.raises(UsageError, match="resolution is 176, expected one of 160, 192, 224"):
        SPACE.at(176)
