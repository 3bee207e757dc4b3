"""What a library call has to say beside its result.

It goes to the logger ``nasprof``: doubts as warnings, which Python shows on stderr unless told
otherwise, and what is going on as information. The command lines show both
(``nasprof.cli.show_log``).
"""

from __future__ import annotations

import logging

logger = logging.getLogger("nasprof")
