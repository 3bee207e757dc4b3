"""MOTPE, by optuna: densities of good and of other architectures, gene by gene.

Ozaki et al., "Multiobjective Tree-Structured Parzen Estimator for Computationally Expensive
Optimization Problems", GECCO 2020; Akiba et al., "Optuna", KDD 2019.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from nasprof.settings import Settings, setting
from nasprof.typing import Array
from search.engines.base.coroutine import CoroutineEngine, Search
from search.engines.base.population import first_population
from search.quality.ranking import evaluated, violation
from spaces import Genes
from spaces.neighbours import mutant

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import IntDistribution
    from optuna.trial import FrozenTrial

_ATTEMPTS = 100
_EXCESS = "violation"


@dataclass(frozen=True)
class MOTPESettings(Settings):
    """Of the draws."""

    startup: int = setting(50, "random architectures that it begins with", 1)
    batch: int = setting(4, "architectures drawn before the first of them is evaluated", 1)
    candidates: int = setting(24, "draws for each gene, of which the most promising is taken", 1)


class MOTPEEngine(CoroutineEngine):
    """Draws the genes that set good architectures apart from others.

    All genes from one joint density, which finds more here than one a gene, in a third of the time.
    """

    settings: MOTPESettings = MOTPESettings()
    evaluations: ClassVar[int] = 500

    def search(self) -> Search:
        study = self._study()
        genes = first_population(self.space, self.rng, self.settings.startup, self.first)
        proposed: set[bytes] = set()
        while len(genes):
            values = yield genes
            proposed |= {row.tobytes() for row in genes}
            self._take_in(study, genes, values)
            genes = self._draw(study, proposed)

    def _study(self) -> Study:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        limited = np.isfinite(self.worst).any()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sampler = optuna.samplers.TPESampler(
                n_startup_trials=0,
                n_ei_candidates=self.settings.candidates,
                multivariate=True,
                constraints_func=_excess if limited else None,
                seed=int(self.rng.integers(2**31)),
            )
        return optuna.create_study(directions=["minimize"] * len(self.worst), sampler=sampler)

    @property
    def _choices(self) -> dict[str, IntDistribution]:
        from optuna.distributions import IntDistribution

        choices = self.space.n_choices.tolist()
        return {f"gene{gene}": IntDistribution(0, n - 1) for gene, n in enumerate(choices)}

    def _take_in(self, study: Study, genes: Genes, values: Array) -> None:
        """Tell the study what architectures are worth; those that failed it is not told of."""
        from optuna.exceptions import ExperimentalWarning
        from optuna.trial import create_trial

        known = evaluated(values)
        excess = violation(values, self.worst)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            for index in np.flatnonzero(known):
                trial = create_trial(
                    params={f"gene{gene}": int(value) for gene, value in enumerate(genes[index])},
                    distributions=self._choices,
                    values=values[index].tolist(),
                    user_attrs={_EXCESS: float(excess[index])},
                    system_attrs={"constraints": [float(excess[index])]},
                )
                study.add_trial(trial)

    def _draw(self, study: Study, proposed: set[bytes]) -> Genes:
        """New architectures; a mutant in the place of one that was proposed before."""
        import optuna

        drawn: list[Genes] = []
        known = set(proposed)
        for _ in range(self.settings.batch):
            trial = study.ask(self._choices)
            row = np.array([[trial.params[name] for name in self._choices]], np.int8)
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            genes = self._fresh(self.space.canonical(row)[0], known)
            if genes is not None:
                known.add(genes.tobytes())
                drawn.append(genes)
        return np.array(drawn, np.int8).reshape(-1, self.space.n_genes)

    def _fresh(self, genes: Genes, known: set[bytes]) -> Genes | None:
        """The architecture or a mutant of it that is not known; None if there is none."""
        for _ in range(_ATTEMPTS):
            if genes.tobytes() not in known:
                return genes
            genes = mutant(self.space, genes, self.rng)
        return None


def _excess(trial: FrozenTrial) -> list[float]:
    return [trial.user_attrs[_EXCESS]]
