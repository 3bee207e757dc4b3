"""How a diffusion over architectures is trained and sampled."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import ClassVar, Literal

from nasprof.settings import Settings, setting
from nasprof.typing import JsonObject


@dataclass(frozen=True)
class DiffusionSettings(Settings):
    """Of the networks, their training, and sampling; see ``benchmarks/pomonag.py``."""

    owner: ClassVar[str] = "the diffusion"

    encoding: str = setting("genes", "architectures as rows of classes: genes, published")
    process: str = setting("gaussian", "what noise is: gaussian or masked")
    network: Literal["mlp", "transformer"] = setting("mlp", "what denoises")
    head: Literal["softmax", "linear"] = setting("softmax", "what it says of rows of classes")
    width: int = setting(256, "of hidden layers", 8, 4096)
    blocks: int = setting(3, "residual blocks, or layers of the transformer", 1, 64)
    learning_rate: float = setting(2e-3, "the highest of a cycle", 1e-6, 1)
    batch: int = setting(256, "architectures in a step", 1, 65536)
    pool: int = setting(20_000, "random architectures that are learnt from", 20, 1_000_000)
    steps: int = setting(1500, "of the first training", 1, 1_000_000)
    rounds: int = setting(3, "of sampling, labelling, learning (expert iteration)", 0, 1000)
    round_steps: int = setting(700, "of the training in a round", 1, 1_000_000)
    samples: int = setting(4000, "architectures that are sampled in a round", 1, 1_000_000)
    dropout: float = setting(0.2, "share of those that learn without a condition", 0, 1)
    focus: float = setting(0.5, "share of conditions on the first cost alone", 0, 1)
    elite: float = setting(4.0, "how much more often those of the best tenth are learnt", 0, 1000)
    predictor_steps: int = setting(800, "of the training of noisy predictors; 0 for none", 0, 10**6)
    guidance: float = setting(1.0, "by conditions: 1 as learnt, more exaggerates", 0, 100)
    advantage: float = setting(0.99, "rank at equal cost that is asked for", 0, 1)
    sampling_steps: int = setting(32, "from noise to an architecture", 1, 100_000)
    sampler: str = setting("ancestral", "the way back: ancestral, euler-maruyama, heun, ...")

    def to_dict(self) -> JsonObject:
        """As JSON."""
        return asdict(self)
