"""Formats of data sets, one file each."""

from __future__ import annotations

from supernets.data.formats.base import DataFormat, data_formats

__all__ = ["DataFormat", "data_formats"]
