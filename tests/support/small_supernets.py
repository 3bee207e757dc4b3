"""Supernets small enough to be trained in seconds, of every space that has them."""

from __future__ import annotations

from spaces import get_space

TINY_MOBILENET = {
    "resolution": 16,
    "classes": 10,
    "in_channels": 1,
    "stem_width": 8,
    "stem_stride": 2,
    "stage_widths": (8, 8, 16, 16, 16),
    "stage_strides": (1, 2, 1, 1, 1),
    "head_widths": (24, 32),
}
SPACES = {
    "ofa-mbv3": get_space("ofa-mbv3", **TINY_MOBILENET),
    "nasbench201": get_space("nasbench201", classes=10, cells=1, resolution=16),
}
