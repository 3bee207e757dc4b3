"""Small matrices are multiplied on one thread.

Waking other threads takes longer than such a product, and several sum in an order that may change.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep the numerical libraries of this process (BLAS, OpenMP) to one thread.

    Takes some 30 us; more where modules were imported since the last time, for what is loaded is
    then looked through anew. Also a decorator.

    >>> import numpy as np
    >>> with one_thread():
    ...     float(np.ones((2, 2)).dot(np.ones(2)).sum())
    4.0
    """
    import numpy as np  # noqa: F401  # only libraries that are loaded are found

    with _libraries(len(sys.modules)).limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """The libraries that are loaded when there are so many modules."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
