"""Predictors: one objective of architectures, learned from those that were evaluated."""

from __future__ import annotations

from search.predictors.base import GenePredictor, make_predictor, predictors

__all__ = ["GenePredictor", "make_predictor", "predictors"]
