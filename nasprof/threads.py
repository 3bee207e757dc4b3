"""Small matrices are multiplied on one thread.

Waking other threads takes longer than such a product, and several sum in an order that may change.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING

from nasprof.errors import NasprofError

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


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Keep torch to one thread as well: more are slower at small sizes, and may sum otherwise.

    Raises:
        NasprofError: torch is not installed.
    """
    torch = _torch()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with one_thread():
            yield
    finally:
        torch.set_num_threads(before)


def _torch() -> ModuleType:
    try:
        import torch
    except ModuleNotFoundError as error:
        raise NasprofError(
            "this needs torch, which is not installed",
            "Run: pip install 'nasprof[torch]'",
        ) from error
    module: ModuleType = torch
    return module
