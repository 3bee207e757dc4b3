"""``python -m devices.runner [--end-with-parent]``, in a session of its own with that."""

from __future__ import annotations

import sys

from . import END_WITH_PARENT
from .parent import end_with_parent
from .serve import main

if END_WITH_PARENT in sys.argv[1:]:
    end_with_parent()
main()
