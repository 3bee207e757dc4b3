"""Hits, intervals and accuracies, against scikit-learn, scipy and arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import top_k_accuracy_score

from nasprof.classification import accuracy, class_accuracies, top_k_hits, wilson_interval
from nasprof.errors import NasprofError, UsageError


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (30, 30), (7, 30), (8277, 10_000)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
def test_the_interval_is_scipys(hits, n, confidence):
    expected = binomtest(hits, n).proportion_ci(confidence, method="wilson")
    assert wilson_interval(hits, n, confidence) == pytest.approx(
        (100 * expected.low, 100 * expected.high), abs=1e-9
    )


@pytest.mark.parametrize(
    ("hits", "n", "confidence"), [(0, 0, 0.95), (3, 2, 0.9), (-1, 2, 0.9), (1, 2, 1)]
)
def test_no_interval_without_observations(hits, n, confidence):
    with pytest.raises(UsageError):
        wilson_interval(hits, n, confidence)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_hits_are_scikit_learns(k):
    rng = np.random.default_rng(0)
    logits, labels = rng.standard_normal((400, 7)), rng.integers(7, size=400)
    share = top_k_accuracy_score(labels, logits, k=k, labels=range(7))
    assert top_k_hits(logits, labels, k).mean() == pytest.approx(share)


def test_of_equal_logits_the_first_class_is_the_answer():
    logits = np.array([[1.0, 1.0, 0.0]] * 3)
    assert top_k_hits(logits, np.arange(3), 1).tolist() == [True, False, False]
    assert top_k_hits(logits, np.arange(3), 2).tolist() == [True, True, False]
    assert top_k_hits(logits, np.arange(3), 3).all()


def test_accuracy_by_class_leaves_out_classes_without_images():
    hits = np.array([True, False, True, True])
    shares = class_accuracies(hits, np.array([0, 0, 2, 2]), 3)
    assert np.array_equal(shares, [50, np.nan, 100], equal_nan=True)


def test_accuracy_has_everything_of_labelled_logits():
    logits = np.eye(6)[[0, 1, 2, 2]]
    found = accuracy(logits, np.array([0, 1, 2, 5]))
    assert (found.top1, found.n, found.top5) == (75, 4, 75)
    assert (found.low, found.high) == wilson_interval(3, 4)
    assert found.by_class == (100, 100, 100, None, None, 0)
    assert found.to_dict()["by_class"][3] is None
    assert accuracy(logits[:, :3], np.array([0, 1, 2, 0])).top5 is None


@pytest.mark.parametrize(
    ("logits", "labels", "words"),
    [
        (np.zeros((2, 3)), np.array([0]), "expected \\(n, classes\\)"),
        (np.zeros((0, 3)), np.zeros(0, int), "at least 1"),
        (np.zeros((2, 3)), np.array([0, 3]), "expected 0 to 2"),
        (np.zeros((2, 3)), np.array([-1, 0]), "labels are -1"),
        (np.zeros((2, 3)), np.array([0.0, 1.0]), "whole numbers"),
        (np.array([[0, np.nan]]), np.array([0]), "1 of 1 images are NaN"),
    ],
)
def test_what_makes_no_sense_is_named(logits, labels, words):
    with pytest.raises(NasprofError, match=words):
        accuracy(logits, labels)
