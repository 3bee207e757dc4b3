"""Other people's lookup tables: one file a format and one line in the registry."""

from __future__ import annotations

from luts.formats.base import Exported, Imported, TableFormat, table_formats

__all__ = ["Exported", "Imported", "TableFormat", "table_formats"]
