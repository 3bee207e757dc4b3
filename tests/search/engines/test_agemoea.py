"""AGE-MOEA's survival against pymoo's, number by number."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from search.engines.agemoea import geometry_survivors


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch):
    """pymoo's survival, whose module asks for a compiler: here nothing is compiled."""
    uncompiled = SimpleNamespace(
        jit=lambda **_: lambda function: function,
        intp=np.intp,
        boolean=np.bool_,
        float64=np.float64,
    )
    monkeypatch.setitem(sys.modules, "numba", uncompiled)
    from pymoo.algorithms.moo.age import AGEMOEASurvival

    return AGEMOEASurvival()


def values_of(kind, rng):
    """Real numbers, few whole ones with many ties, or points of one front."""
    n, n_objectives = int(rng.integers(4, 50)), int(rng.integers(2, 6))
    if kind == "whole":
        return rng.integers(0, 6, (n, n_objectives)).astype(float)
    values = rng.random((n, n_objectives))
    return values / values.sum(1, keepdims=True) if kind == "front" else values


@pytest.mark.parametrize("kind", ["real", "whole", "front"])
def test_survivors_ranks_and_scores_are_those_of_pymoo(published, kind):
    from pymoo.core.population import Population

    rng = np.random.default_rng(0)
    for _ in range(60):
        values = values_of(kind, rng)
        population = Population.new(F=values.copy())
        expected = published._do(None, population, n_survive=max(1, len(values) // 2))
        kept, ranks, scores = geometry_survivors(values, max(1, len(values) // 2))
        assert np.array_equal(values[kept], expected.get("F"))
        assert np.array_equal(ranks, population.get("rank"))
        assert np.array_equal(scores, population.get("crowding"), equal_nan=True)
