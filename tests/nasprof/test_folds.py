"""Cross-validation, whoever uses it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasprof.folds import folds, out_of_fold


@given(n=st.integers(1, 60), count=st.integers(1, 9), seed=st.integers(0, 99))
def test_each_row_is_predicted_once_by_what_it_is_no_part_of(n, count, seed):
    count = min(n, count)
    splits = list(folds(n, count, seed))
    assert len(splits) == count
    for rest, fold in splits:
        assert sorted([*rest, *fold]) == list(range(n))
        assert n // count <= len(fold) <= n // count + 1
    assert sorted(row for _, fold in splits for row in fold) == list(range(n))


@pytest.mark.parametrize("seed", [3, [3, 1]])
def test_folds_are_those_of_their_seed(seed):
    order = np.random.default_rng(seed).permutation(11)
    expected = np.array_split(order, 4)
    for (rest, fold), same in zip(folds(11, 4, seed), expected, strict=True):
        assert fold.tolist() == same.tolist()
        assert rest.tolist() == sorted(set(range(11)) - set(same.tolist()))


def test_out_of_fold_predictions_know_nothing_of_their_own_target(rng):
    rows, targets = rng.normal(size=(23, 2)), rng.normal(size=23)

    def learn(known, values):
        """Predicts how many of the rows it learned are the same, and the mean of all others."""
        return lambda new: (new[:, None] == known).all(2).sum(1) + values.mean()

    splits = list(folds(23, 5, 0))
    predicted = out_of_fold(learn, rows, targets, splits)
    for rest, fold in splits:
        assert predicted[fold] == pytest.approx(targets[rest].mean())
