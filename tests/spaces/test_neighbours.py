"""Architectures that differ in a gene or two."""

import numpy as np
import pytest

from spaces import get_space
from spaces.distinct import sample_distinct
from spaces.neighbours import exchanged, exchanges, mutant, neighbours

SPACES = [
    get_space("ofa-mbv3", resolution=160),
    get_space("nasbench201"),
    get_space("elastic-resolution", of={"space": "ofa-mbv3"}, resolutions=[160, 192, 224, 256]),
]

every_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)


@every_space
@pytest.mark.parametrize("cyclic", [False, True])
def test_every_other_choice_of_every_gene_is_exchanged_once(space, cyclic, rng):
    genes = space.sample(5, rng, "biased")
    for row, moves in zip(genes, exchanges(space.n_choices, genes, cyclic=cyclic), strict=True):
        first = row + 1 if cyclic else 0 * row
        expected = [
            (gene, choice)
            for gene, count in enumerate(space.n_choices.tolist())
            for choice in ((int(first[gene]) + step) % count for step in range(count))
            if choice != row[gene]
        ]
        assert [tuple(move) for move in moves.tolist()] == expected


@every_space
@pytest.mark.parametrize("cyclic", [False, True])
def test_neighbours_are_canonical_and_differ_in_active_genes_alone(space, cyclic, rng):
    genes = space.sample(4, rng, "biased")
    near = neighbours(space, genes, cyclic=cyclic)
    moves = exchanges(space.n_choices, genes, cyclic=cyclic)
    assert near.shape == (*moves.shape[:2], space.n_genes)
    active = space.active(genes)
    for number, row in enumerate(genes):
        assert np.array_equal(near[number], space.canonical(near[number]))
        assert np.array_equal(near[number], exchanged(space, row, moves[number][:, None]))
        changed = (near[number] != row).any(1)
        assert np.array_equal(changed, active[number][moves[number][:, 0]])


def test_exchanges_of_two_genes_are_both_made(rng):
    space = SPACES[1]
    genes = space.sample(1, rng)[0]
    moves = np.array([[[0, (genes[0] + 1) % 5], [3, (genes[3] + 2) % 5]]])
    (changed,) = exchanged(space, genes, moves)
    assert np.flatnonzero(changed != genes).tolist() == [0, 3]
    assert changed[[0, 3]].tolist() == moves[0, :, 1].tolist()


@every_space
def test_mutants_are_neighbours(space, rng):
    genes = space.sample(1, rng, "biased")[0]
    near = {row.tobytes() for row in neighbours(space, genes[None])[0]} - {genes.tobytes()}
    mutants = {mutant(space, genes, rng).tobytes() for _ in range(200)}
    assert mutants <= near
    assert len(mutants) > 10


@every_space
def test_distinct_samples_are_not_drawn_again(space, rng):
    seen = set()
    drawn = [sample_distinct(space, 40, rng, "biased", seen) for _ in range(5)]
    assert len(np.unique(np.concatenate(drawn), axis=0)) == len(seen) == 200


def test_no_more_is_drawn_than_there_is(rng):
    space = SPACES[1]
    drawn = sample_distinct(space, 10**6, rng)
    assert 0.99 * space.size < len(np.unique(drawn, axis=0)) == len(drawn) <= space.size
