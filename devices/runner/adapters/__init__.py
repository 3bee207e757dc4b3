"""One file a runtime, ``NAME_adapter.py``, each with a class ``Adapter``."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

from ..models import Adapter, Refused

_SUFFIX = "_adapter"


def get_adapter(runtime: str) -> type[Adapter]:
    """The adapter class that ``runtime`` names.

    Raises:
        Refused: there is none, or it cannot be imported.
    """
    files = (module.name for module in pkgutil.iter_modules(__path__))
    known = sorted(name[: -len(_SUFFIX)] for name in files)
    if ":" not in runtime and runtime not in known:
        raise Refused(
            f"no runtime is called {runtime!r} (known: {', '.join(known)}; "
            "your own adapter is named as module:Class)"
        )
    module, _, name = runtime.partition(":")
    own = module if name else f"{__name__}.{module}{_SUFFIX}"
    try:
        adapter: Any = getattr(import_module(own), name or "Adapter")
    except (ImportError, AttributeError) as error:
        raise Refused(f"runtime {runtime} cannot be imported: {error}") from error
    return adapter  # type: ignore[no-any-return]
