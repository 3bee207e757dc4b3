"""Every training scheme: which networks it trains, whose labels they learn."""

from __future__ import annotations

import numpy as np
import pytest
from small_supernets import SPACES

from nasprof.errors import UsageError
from supernets.training.schemes import make_scheme, schemes

MOBILENET, BENCH = SPACES["ofa-mbv3"], SPACES["nasbench201"]
every_scheme = pytest.mark.parametrize("name", list(schemes))


def lessons(name, space=MOBILENET, total=40, seed=0, **settings):
    scheme, rng = make_scheme(name, space, total, settings), np.random.default_rng(seed)
    return [scheme.lesson(step, rng) for step in range(total)]


@every_scheme
def test_it_trains_networks_of_the_space_and_repeats_itself(name):
    first, second, other = lessons(name), lessons(name), lessons(name, seed=1)
    for lesson in first:
        assert (MOBILENET.canonical(lesson.genes) == lesson.genes).all()
        assert lesson.genes.dtype == np.int8 and len(lesson.genes)
    assert all((a.genes == b.genes).all() for a, b in zip(first, second, strict=True))
    assert any((a.genes != b.genes).any() for a, b in zip(first, other, strict=True))


@every_scheme
@pytest.mark.parametrize("total", [6, 7, 40, 999])
def test_its_phases_are_the_whole_training(name, total):
    scheme = make_scheme(name, MOBILENET, total)
    assert sum(phase.steps for phase in scheme.phases) == total
    assert all(phase.steps >= 1 for phase in scheme.phases)
    starts = [step for step in range(total) if scheme.at(step)[2] == 0]
    assert len(starts) == len(scheme.phases) and starts[0] == 0
    with pytest.raises(UsageError, match="beyond"):
        scheme.at(total)


@every_scheme
def test_what_it_does_not_know_is_refused_by_name(name):
    with pytest.raises(UsageError, match="this training scheme has no setting 'colour'"):
        make_scheme(name, MOBILENET, 40, {"colour": 3})


def test_a_scheme_that_there_is_not():
    with pytest.raises(UsageError, match="no training scheme is called 'sandwhich'") as caught:
        make_scheme("sandwhich", MOBILENET, 40)
    assert "sandwich" in caught.value.remedy


def test_settings_out_of_range_are_refused():
    with pytest.raises(UsageError, match="'random' is -1"):
        make_scheme("sandwich", MOBILENET, 40, {"random": -1})
    with pytest.raises(UsageError, match="'sampling' is 'odd'"):
        make_scheme("uniform", MOBILENET, 40, {"sampling": "odd"})


def test_plain_sampling_is_one_network_a_step_of_the_true_labels():
    assert all(len(one.genes) == 1 and one.teacher is None for one in lessons("uniform"))
    extremes = lessons("uniform", extremes=1.0)
    smallest, largest = make_scheme("uniform", MOBILENET, 1).extremes()
    known = {smallest.tobytes(), largest.tobytes()}
    assert {one.genes.tobytes() for one in extremes} == known


@pytest.mark.parametrize("space", [MOBILENET, BENCH], ids=["ofa-mbv3", "nasbench201"])
def test_the_sandwich_is_largest_smallest_and_random_ones(space):
    for lesson in lessons("sandwich", space, random=3):
        assert lesson.teacher == "first" and len(lesson.genes) == 5
        macs = space.macs(lesson.genes)
        assert macs.argmax() == 0 and macs.argmin() == 1


def test_shrinking_makes_kernels_elastic_then_depths_then_expansions():
    scheme = make_scheme("shrinking", MOBILENET, 200)
    names = [phase.name for phase in scheme.phases]
    assert names == ["largest", "kernel", "depth 1", "depth 2", "expansion 1", "expansion 2"]
    roles = np.array(scheme.sharing.roles)
    rng = np.random.default_rng(0)
    seen = {name: [] for name in names}
    for step in range(200):
        lesson = scheme.lesson(step, rng)
        seen[scheme.at(step)[1].name].append(lesson.genes[0])
        assert lesson.teacher == (None if names[0] == scheme.at(step)[1].name else "frozen")
    expected = {
        "largest": {"kernel": {2}, "depth": {2}, "expand": {2}},
        "kernel": {"kernel": {0, 1, 2}, "depth": {2}, "expand": {2}},
        "depth 1": {"kernel": {0, 1, 2}, "depth": {1, 2}, "expand": {2}},
        "depth 2": {"kernel": {0, 1, 2}, "depth": {0, 1, 2}, "expand": {2}},
        "expansion 1": {"kernel": {0, 1, 2}, "depth": {0, 1, 2}, "expand": {1, 2}},
        "expansion 2": {"kernel": {0, 1, 2}, "depth": {0, 1, 2}, "expand": {0, 1, 2}},
    }
    for name, rows in seen.items():
        genes = np.array(rows)
        active = MOBILENET.active(genes)
        for role, choices in expected[name].items():
            columns = roles == role
            assert set(genes[:, columns][active[:, columns]].tolist()) <= choices, (name, role)
            if len(rows) > 20:
                assert set(genes[:, columns][active[:, columns]].tolist()) == choices


def test_shrinking_freezes_its_teacher_and_sorts_channels_before_fewer_are_used():
    phases = make_scheme("shrinking", MOBILENET, 200).phases
    assert [phase.freeze_teacher for phase in phases] == [False, True, False, False, False, False]
    sorts = [phase.sort_within for phase in phases]
    assert [kept is None for kept in sorts] == [True] * 4 + [False] * 2
    # What has been trained with fewer channels keeps these channels.
    expansions = np.array(make_scheme("shrinking", MOBILENET, 200).sharing.roles) == "expand"
    assert [len(kept) for kept in sorts[4:]] == [1, 2]
    assert set(sorts[5][1][expansions].tolist()) == {1}


def test_shrinking_refuses_a_space_that_has_nothing_to_shrink():
    with pytest.raises(UsageError, match="shrinks kernels, depths and expansions") as caught:
        make_scheme("shrinking", BENCH, 40)
    assert "uniform" in caught.value.remedy
    with pytest.raises(UsageError, match="5 steps are too few for the 6 phases"):
        make_scheme("shrinking", MOBILENET, 5)
