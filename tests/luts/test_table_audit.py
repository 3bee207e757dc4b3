"""Calibration, agreement and upper bounds: what audited tables promise."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import audited_table, made_up_networks, made_up_table

from luts import CONFIDENCES, Audit, Measured, agreement
from luts.agreement import Calibration, calibrate, upper_bound, upper_bounds
from nasprof.errors import UsageError
from spaces import get_space

SUMS = np.array([4.0, 9.0, 6.5, 20.0, 13.0, 7.0])


@given(slope=st.floats(0.2, 5), intercept=st.floats(-0.5, 5), n=st.integers(4, 40))
def test_calibration_recovers_a_line(slope, intercept, n):
    sums = np.random.default_rng(n).uniform(4, 40, n)
    line = calibrate(sums, slope * sums + intercept)
    assert line.slope == pytest.approx(slope, rel=1e-6)
    assert line.intercept_ms == pytest.approx(intercept, abs=1e-5)
    assert line(sums) == pytest.approx(slope * sums + intercept)
    assert line.n == n


@pytest.mark.parametrize("n", [1, 2, 3])
def test_of_few_networks_only_the_slope_is_taken(n):
    line = calibrate(SUMS[:n], 1.3 * SUMS[:n])
    assert (line.slope, line.intercept_ms) == (pytest.approx(1.3), 0.0)


def test_without_networks_nothing_is_calibrated():
    line = calibrate(np.array([]), np.array([]))
    assert (line.slope, line.intercept_ms, line.n) == (1.0, 0.0, 0)
    assert line(SUMS).tolist() == SUMS.tolist()


def test_a_line_that_would_turn_the_order_around_is_not_used():
    line = calibrate(SUMS, 30 - SUMS)
    assert line.slope > 0
    assert line.intercept_ms == 0.0


def test_calibration_weighs_relative_errors(rng):
    """A network twice as slow counts no more: relative errors decide."""
    sums = rng.uniform(2, 60, 4000)
    line = calibrate(sums, (1.2 * sums + 1) * rng.lognormal(0, 0.05, 4000))
    assert line.slope == pytest.approx(1.2, rel=0.02)
    assert line.intercept_ms == pytest.approx(1, abs=0.1)


def test_agreement_is_what_its_definition_says():
    found = agreement(np.array([1.1, 1.9, 3.3, 3.6]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert found.mape == pytest.approx((0.1 + 0.05 + 0.1 + 0.1) / 4)
    assert found.bias == pytest.approx((0.1 - 0.05 + 0.1 - 0.1) / 4)
    assert found.worst == pytest.approx(0.1)
    assert (found.spearman, found.kendall, found.n) == (pytest.approx(1), pytest.approx(1), 4)


def test_predictions_that_are_all_equal_rank_nothing():
    found = agreement(np.ones(5), np.arange(1.0, 6.0))
    assert (found.spearman, found.kendall, found.holds) == (0.0, 0.0, False)


def test_one_network_cannot_be_ranked():
    with pytest.raises(UsageError, match="at least 2"):
        agreement(np.ones(1), np.ones(1))


DISTRIBUTIONS = {
    "log-normal": lambda rng, shape: rng.lognormal(0, 0.03, shape),
    "heavy tails": lambda rng, shape: np.exp(0.02 * rng.standard_t(2, shape)),
    "skewed": lambda rng, shape: 0.95 + rng.exponential(0.05, shape),
    "two modes": lambda rng, shape: rng.choice([1.0, 1.2], shape) + rng.normal(0, 0.01, shape),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize(("n", "confidence"), [(20, 0.9), (20, 0.95), (30, 0.95), (100, 0.99)])
def test_conformal_bounds_cover_as_promised_whatever_the_distribution(name, n, confidence, rng):
    """On average over audits a new ratio stays below the bound with the confidence or more."""
    repeats = 4000
    ratios = DISTRIBUTIONS[name](rng, (repeats, n + 1))
    bounds = [upper_bound(row[:n], confidence) for row in ratios]
    covered = np.mean([row[n] <= bound.factor for row, bound in zip(ratios, bounds, strict=True)])
    error = math.sqrt(confidence * (1 - confidence) / repeats)
    assert {bound.method for bound in bounds} == {"conformal"}
    assert covered >= confidence - 3.5 * error
    # Not wasteful either: at most one rank more than the confidence asks for.
    assert covered <= confidence + 1 / (n + 1) + 3.5 * error


def test_beyond_what_ranks_allow_a_distribution_is_assumed_and_said(rng):
    ratios = rng.lognormal(0, 0.03, (4000, 21))
    bounds = [upper_bound(row[:20], 0.99) for row in ratios]
    covered = np.mean([row[20] <= bound.factor for row, bound in zip(ratios, bounds, strict=True)])
    assert {bound.method for bound in bounds} == {"student"}
    assert covered >= 0.985


def test_more_confidence_means_a_higher_bound(rng):
    for n in (2, 5, 19, 20, 99, 200):
        factors = [bound.factor for bound in upper_bounds(rng.lognormal(0, 0.1, n)).values()]
        assert factors == sorted(factors)


@pytest.mark.parametrize("confidence", [0, 1, -0.5, 1.5, math.nan])
def test_a_confidence_that_is_none_is_refused(confidence):
    with pytest.raises(UsageError, match="between 0 and 1"):
        upper_bound(np.ones(10), confidence)


def test_the_rank_of_a_conformal_bound():
    ratios = np.arange(1.0, 20.0)  # 19 of them: 0.9 * 20 = 18, 0.95 * 20 = 19
    assert upper_bound(ratios, 0.9).factor == 18
    assert upper_bound(ratios, 0.95).factor == 19


# --- tables with networks ----------------------------------------------------------------------


def test_an_audited_table_predicts_on_its_line_and_bounds_what_it_predicts():
    table = audited_table(get_space("ofa-mbv3"), n=60, calibration=20)
    plain = made_up_table()
    genes = table.spaces[0].sample(200, np.random.default_rng(5))
    line = table.calibration
    assert line.n == 20
    assert (line.slope, line.intercept_ms) == (
        pytest.approx(1.1, 0.02),
        pytest.approx(0.3, abs=0.5),
    )
    expected = line.slope * plain.latency_ms(genes) + line.intercept_ms
    assert table.latency_ms(genes) == pytest.approx(expected)
    for confidence, bound in table.bounds().items():
        upper = table.upper_bound_ms(genes, confidence)
        assert upper == pytest.approx(bound.factor * expected)
    assert list(table.bounds()) == list(CONFIDENCES)
    assert table.audit.before.mape > 0.05 > table.audit.after.mape
    assert table.agreement.holds
    assert table.doubts == []


def test_bounds_of_a_table_cover_networks_it_never_saw():
    """Many tables audited on 20 networks each: 95 % of unseen networks stay below the bound."""
    plain = made_up_table(get_space("nasbench201"))
    space = plain.spaces[0]
    rng = np.random.default_rng(8)
    genes = space.sample(5000, rng, "biased")
    genes = genes[plain.latency_ms(genes) > 0.5]
    times = (1.1 * plain.latency_ms(genes) + 0.3) * rng.lognormal(0, 0.02, len(genes))
    archs = space.decode(genes)
    covered = []
    for _ in range(60):
        chosen = rng.permutation(len(genes))
        roles = ["calibration"] * 10 + ["audit"] * 20
        networks = [
            Measured(archs[place], role, {"wall": float(times[place])})
            for place, role in zip(chosen[:30], roles, strict=True)
        ]
        table = made_up_table(space, networks=networks)
        rest = chosen[30:230]
        covered.append((times[rest] <= table.upper_bound_ms(genes[rest], 0.95)).mean())
    assert np.mean(covered) >= 0.95 - 0.015
    assert np.mean(covered) < 0.99


def test_a_table_that_misses_the_mark_is_doubted():
    table = audited_table(get_space("ofa-mbv3"), error=0.4)
    assert not table.agreement.holds
    (doubt,) = [doubt for doubt in table.doubts if "misses" in doubt]
    assert f"MAPE {table.agreement.mape:.1%}" in doubt


def test_an_audit_needs_two_networks_on_the_clock():
    table = made_up_table()
    networks = made_up_networks(table, n=10, calibration=9)
    assert made_up_table(networks=networks).audit is None
    assert Audit.of(made_up_networks(table), table.latency_ms, "cpu") is None


def test_an_audit_that_a_file_states_is_computed_again(tmp_path):
    """Networks are kept, so what is said about them follows from the file itself."""
    data = audited_table(get_space("nasbench201")).to_dict()
    stated = data["audit"]["wall"]
    assert stated["after"]["n"] == 16
    assert stated["calibration"]["n"] == 8
    assert set(stated["upper"]) == {"0.9", "0.95", "0.99"}
    assert len(data["networks"]) == 24


def test_a_line_never_makes_a_latency_vanish():
    line = Calibration(slope=1.5, intercept_ms=-1.0, n=10)
    predicted = line(np.array([10.0, 1.0, 0.1, 0.0]))
    assert predicted == pytest.approx([14.0, 0.5, 0.015, 0.0])
