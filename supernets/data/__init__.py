"""Labelled images: read, split, fingerprinted, and fed to networks."""

from __future__ import annotations

from nasprof.normalisation import Normalisation
from supernets.data.augmentation import Augmentation
from supernets.data.data_set import DataSet, Split
from supernets.data.formats.base import DataFormat, data_formats
from supernets.data.loader import Loader
from supernets.data.named import data_sets
from supernets.data.options import DataOptions
from supernets.data.read import read_data
from supernets.data.samples import ArrayImages, FileImages, ImageSource, Samples
from supernets.data.tensors import batches, to_tensor

__all__ = [
    "ArrayImages",
    "Augmentation",
    "DataFormat",
    "DataOptions",
    "DataSet",
    "FileImages",
    "ImageSource",
    "Loader",
    "Normalisation",
    "Samples",
    "Split",
    "batches",
    "data_formats",
    "data_sets",
    "read_data",
    "to_tensor",
]
