"""The policy: what it draws in numpy is what it is in torch, and what is written in the paper."""

import numpy as np
import pytest
import torch
from tables import TINY
from trade_offs import CELLS, MOBILE

from search.pnag.network import PolicyNetwork
from search.pnag.policy import Policy, n_tokens, shapes, tokens
from spaces import get_space


class Uneven(type(CELLS)):
    """Cells whose genes have different numbers of choices."""

    label = "uneven"

    @property
    def n_choices(self):
        return np.array([5, 2, 4, 3, 5, 2], np.int8)


SPACES = [MOBILE, CELLS, get_space("ofa-mbv3", width=1.2), get_space("ofa-mbv3", **TINY), Uneven()]
KNOTS = 3

every_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.label)


def network_of(space, seed=0, loud=2.0):
    """A network whose choices are anything but uniform."""
    network = PolicyNetwork(space, KNOTS, embedding=6, hidden=5, seed=seed)
    with torch.no_grad():
        network.heads.mul_(loud)
        network.head_bias.normal_(0, 0.5, generator=torch.Generator().manual_seed(seed))
    return network


def budgets_for(n, rng):
    return rng.dirichlet(np.ones(KNOTS), n).astype(np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step_by_step(policy, genes, budgets):
    """Probabilities of each gene's choices given those before it, one architecture at a time."""
    space, weights = policy.space, {k: v.astype(np.float64) for k, v in policy.weights.items()}
    starts = 2 + np.concatenate([[0], np.cumsum(space.n_choices.astype(int))])
    width = weights["hidden"].shape[1]
    found = []
    for row, budget in zip(genes, budgets.astype(np.float64), strict=True):
        active = space.active(row[None])[0]
        hidden, cell, token, shares = np.zeros(width), np.zeros(width), 0, []
        for gene, count in enumerate(space.n_choices.tolist()):
            read = weights["tokens"][token] + budget @ weights["budgets"]
            gates = weights["input"] @ read + weights["hidden"] @ hidden + weights["bias"]
            entered, kept, new, out = np.split(gates, 4)
            cell = sigmoid(kept) * cell + sigmoid(entered) * np.tanh(new)
            hidden = sigmoid(out) * np.tanh(cell)
            logits = weights["heads"][gene, :count] @ hidden + weights["head_bias"][gene, :count]
            shares.append(np.exp(logits) / np.exp(logits).sum())
            token = starts[gene] + row[gene] if active[gene] else 1
        found.append(shares)
    return found


@every_space
def test_what_is_trained_is_what_is_drawn_from(space, rng):
    network = network_of(space)
    genes, budgets = space.sample(12, rng, "biased"), budgets_for(12, rng)
    active = space.active(genes)
    logs, entropies = network(genes, budgets)
    for row, shares in enumerate(step_by_step(network.policy(), genes, budgets)):
        used = np.flatnonzero(active[row])
        expected = sum(np.log(shares[gene][genes[row, gene]]) for gene in used)
        assert float(logs[row].detach()) == pytest.approx(expected, abs=1e-4)
        expected = sum(-(shares[gene] * np.log(shares[gene])).sum() for gene in used)
        assert float(entropies[row].detach()) == pytest.approx(expected, abs=1e-4)


@every_space
def test_sampling_inverts_the_cumulative_distribution(space, rng):
    policy = network_of(space).policy()
    budgets = budgets_for(40, rng)
    genes = policy.sample(budgets, np.random.default_rng(7))
    draws = np.random.default_rng(7).random((space.n_genes, 40, 1), np.float32)[:, :, 0].T
    active = space.active(genes)
    for row, shares in enumerate(step_by_step(policy, genes, budgets)):
        for gene in np.flatnonzero(active[row]):
            above = shares[gene].cumsum()
            below = np.append(0, above)
            choice = genes[row, gene]
            assert below[choice] - 1e-5 <= draws[row, gene] <= above[choice] + 1e-5


@every_space
def test_samples_are_architectures_of_the_space(space, rng):
    for seed in range(3):
        genes = network_of(space, seed).policy().sample(budgets_for(200, rng), rng)
        assert genes.dtype == np.int8
        assert np.array_equal(space.canonical(genes), genes)
        # All choices are within reach.
        top = np.where(space.active(genes), genes, 0).max(0)
        assert (top == space.n_choices - 1).mean() > 0.9


def test_no_samples_are_none(rng):
    assert network_of(CELLS).policy().sample(budgets_for(0, rng), rng).shape == (0, 6)


def test_all_architectures_together_have_probability_one():
    ((_, cells),) = CELLS.parts
    budgets = np.tile(np.array([[0.2, 0.8, 0.0]], np.float32), (len(cells), 1))
    with torch.no_grad():
        logs, _ = network_of(CELLS)(cells, budgets)
    assert float(logs.double().exp().sum()) == pytest.approx(1, abs=1e-4)


def test_inactive_genes_say_nothing(rng):
    """Not in the probability, not in the entropy, not to the genes after them, not in gradients."""
    network = network_of(MOBILE)
    genes, budgets = MOBILE.sample(30, rng), budgets_for(30, rng)
    inactive = ~MOBILE.active(genes)
    assert inactive.any(1).all()
    others = np.where(inactive, rng.integers(0, 3, genes.shape, np.int8), genes)
    assert not np.array_equal(genes, others)
    for one, other in zip(network(genes, budgets), network(others, budgets), strict=True):
        assert torch.equal(one, other)
    assert np.array_equal(tokens(MOBILE, genes), tokens(MOBILE, others))
    logs, entropies = network(genes[:1], budgets[:1])
    (logs + entropies).sum().backward()
    unused = torch.from_numpy(inactive[0])
    assert (network.heads.grad[unused] == 0).all()
    assert (network.heads.grad[~unused] != 0).any(-1).any(-1).all()


@every_space
def test_a_policy_that_prefers_nothing_has_the_most_entropy(space, rng):
    network = network_of(space, loud=0.0)
    with torch.no_grad():
        network.head_bias.zero_()
    genes = space.sample(20, rng)
    _, entropy = network(genes, budgets_for(20, rng))
    expected = (space.active(genes) * np.log(space.n_choices.astype(np.float64))).sum(1)
    assert entropy.detach().numpy() == pytest.approx(expected, rel=1e-5)


@every_space
def test_a_choice_that_is_certain_is_always_drawn(space, rng):
    (wanted,) = space.sample(1, rng)
    weights = dict(network_of(space).policy().weights)
    bias = weights["head_bias"].copy()
    bias[np.arange(space.n_genes), wanted] += 50
    genes = Policy(space, {**weights, "head_bias": bias}).sample(budgets_for(100, rng), rng)
    assert (genes == wanted).all()


@pytest.mark.parametrize("space", SPACES[:2], ids=lambda space: space.label)
def test_choices_are_drawn_as_often_as_they_are_likely(space, rng):
    n = 4000
    policy = network_of(space, seed=3).policy()
    budgets = np.tile(np.array([[0.0, 0.3, 0.7]], np.float32), (n, 1))
    genes = policy.sample(budgets, rng)
    ((first, *_),) = step_by_step(policy, genes[:1], budgets[:1])
    counts = np.bincount(genes[:, 0], minlength=len(first))
    assert (abs(counts - n * first) <= 5 * np.sqrt(n * first * (1 - first))).all()
    # And what comes second depends on what came first.
    for choice in range(len(first)):
        given = genes[genes[:, 0] == choice]
        (shares,) = step_by_step(policy, given[:1], budgets[:1])
        if space.active(given[:1])[0, 1] and len(given) > 100:
            counts = np.bincount(given[:, 1], minlength=len(shares[1]))
            spread = np.sqrt(len(given) * shares[1] * (1 - shares[1]))
            assert (abs(counts - len(given) * shares[1]) <= 5 * spread).all()


def test_another_budget_is_another_distribution(rng):
    policy = network_of(CELLS).policy()
    ends = np.eye(KNOTS, dtype=np.float32)[[0, 2]]
    one, other = step_by_step(policy, np.zeros((2, 6), np.int8), ends)
    assert abs(one[0] - other[0]).max() > 0.01


def test_first_weights_follow_the_seed_and_disturb_nothing():
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, again, other = (PolicyNetwork(CELLS, 2, 4, 3, seed).policy() for seed in (5, 5, 6))
    for name, weight in first.weights.items():
        assert np.array_equal(weight, again.weights[name])
    assert not np.array_equal(first.weights["heads"], other.weights["heads"])
    assert torch.equal(torch.get_rng_state(), state)


@every_space
def test_weights_have_the_shapes_that_files_are_read_by(space):
    weights = network_of(space).policy().weights
    expected = shapes(space, KNOTS)
    assert weights.keys() == expected.keys()
    for name, weight in weights.items():
        pairs = zip(expected[name], weight.shape, strict=True)
        assert all(wish in (None, length) for wish, length in pairs)
    assert weights["tokens"].shape[0] == n_tokens(space) == 2 + space.n_choices.sum(dtype=int)
