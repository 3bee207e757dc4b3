"""What a library call has to say beside its result.

It goes to the logger ``nasprof``: doubts as warnings, which Python shows on stderr unless told
otherwise, and what is going on as information. The command lines show both
(``nasprof.cli.show_log``).

What follows from files alone, and is found out again by every part of a call that reads them, is
logged with ``extra=ONCE``: a command shows it once.
"""

from __future__ import annotations

import logging

logger = logging.getLogger("nasprof")
ONCE = {"once": True}
