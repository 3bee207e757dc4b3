"""A search space, an objective and a search engine of one's own, as a plug-in of nasprof."""

from nasprof_chain.objectives import ReceptiveField
from nasprof_chain.space import ChainSpace
from nasprof_chain.sweep import SweepEngine

__all__ = ["ChainSpace", "ReceptiveField", "SweepEngine"]
