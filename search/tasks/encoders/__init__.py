"""Data-set encoders: features of images, whatever their classes."""

from __future__ import annotations

from search.tasks.encoders.base import DataSetEncoder, data_set_encoders, open_encoder

__all__ = ["DataSetEncoder", "data_set_encoders", "open_encoder"]
