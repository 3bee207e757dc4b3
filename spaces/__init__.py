"""Search spaces: what an architecture is, what it is made of and what it costs to compute."""

from __future__ import annotations

from spaces.arch_files import read_archs
from spaces.base import Arch, Genes, Space
from spaces.named import get_space, parse_arch, spaces

__all__ = ["Arch", "Genes", "Space", "get_space", "parse_arch", "read_archs", "spaces"]
