"""Small matrices are multiplied on one thread: waking others takes longer than the product."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any


@contextmanager
def one_numpy_thread() -> Iterator[None]:
    """Keep numpy's products to one thread.

    Takes some 30 us, where :func:`luts.estimators.one_thread` looks through every library anew
    and so reaches those loaded since, scipy's among them.
    """
    with _libraries().limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _libraries() -> Any:
    import numpy as np  # noqa: F401  # only libraries that are loaded are found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
