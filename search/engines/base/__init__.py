"""What engines are made of: the base classes, settings, populations, predictors."""

from __future__ import annotations

from search.engines.base.coroutine import CoroutineEngine, Search
from search.engines.base.engine import Engine
from search.engines.base.population import first_population
from search.engines.base.settings import Settings, setting

__all__ = ["CoroutineEngine", "Engine", "Search", "Settings", "first_population", "setting"]
