"""What engines are made of: the base classes, settings, populations, predictors."""

from __future__ import annotations

from nasprof.settings import Settings, setting
from search.engines.base.coroutine import CoroutineEngine, Search
from search.engines.base.engine import Engine
from search.engines.base.population import first_population

__all__ = ["CoroutineEngine", "Engine", "Search", "Settings", "first_population", "setting"]
