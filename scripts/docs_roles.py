"""Extension of griffe: roles of reStructuredText in docstrings become links of the site."""

from __future__ import annotations

import re

from griffe import Extension, Object

ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):`~?([^`]+)`")


class Roles(Extension):
    """``:func:`x``` reads as ```x```."""

    def on_object(self, *, obj: Object, **_: object) -> None:
        """Rewrite the docstring of an object, if it has one."""
        if obj.docstring is not None:
            text = ROLE.sub(r"`\1`", obj.docstring.value)
            obj.docstring.value = text.replace("``", "`")
