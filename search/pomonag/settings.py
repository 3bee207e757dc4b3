"""How a POMONAG generator is trained, and how it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from nasprof.settings import setting
from search.diffusion.settings import DiffusionSettings

_FIRST = {"top1": 0, "latency": 1}


@dataclass(frozen=True)
class PomonagSettings(DiffusionSettings):
    """The defaults are what was best (``benchmarks/pomonag.py``)."""

    owner: ClassVar[str] = "POMONAG"

    objectives: str = setting(
        "top1,latency,params,macs", "names of what is wished for, top1 and latency among them"
    )
    measured: int = setting(
        0, "networks whose accuracy is asked for, to learn the others'; 0 asks for all", 0, 10**6
    )
    budget_guidance: float = setting(
        1.5, "by conditions where a budget is asked for: 1 as learnt, more exaggerates", 0, 100
    )
    within: float = setting(
        0.97, "share of samples that are to keep within a budget, before any is chosen", 0.01, 0.999
    )

    @classmethod
    def published(cls, **changes: object) -> Self:
        """A straight reading of Lomurno et al. 2024 and An et al. 2024, with ``changes``.

        Their matrices, a transformer of 12 layers with a linear output, 1,000 steps of the reverse
        SDE, no conditions (guide samples by weights) and no rounds. One is trained in half a
        million steps on a GPU; ``steps`` is left as it is.
        """
        straight: dict[str, object] = {
            "encoding": "published",
            "head": "linear",
            "network": "transformer",
            "width": 64,
            "blocks": 12,
            "sampler": "euler-maruyama",
            "sampling_steps": 1000,
            "rounds": 0,
            "dropout": 1.0,
        }
        return cls.of({**straight, **changes})

    @property
    def names(self) -> tuple[str, ...]:
        """Of the objectives, ``top1`` and ``latency`` first."""
        names = [name.strip() for name in self.objectives.split(",")]
        return tuple(sorted(names, key=lambda name: _FIRST.get(name, len(_FIRST))))
