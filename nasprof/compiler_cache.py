"""What torch leaves behind where an optimiser is made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_COMPILER_CACHE = "TORCHINDUCTOR_CACHE_DIR"


@contextmanager
def no_compiler_cache() -> Iterator[None]:
    """Where to make an optimiser, so that nothing is left in the folder for temporary files.

    The first one imports torch's compiler, which makes a folder for its cache unless the one that
    it is told exists; nothing is ever compiled here.
    """
    if _COMPILER_CACHE in os.environ:
        yield
        return
    os.environ[_COMPILER_CACHE] = os.sep
    try:
        yield
    finally:
        del os.environ[_COMPILER_CACHE]
