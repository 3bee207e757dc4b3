"""nasprof: measure neural architectures on real devices and search with what was measured.

This package holds only what every other one stands on: the version, the error base class, the
registry and safe file access. The work is done in ``spaces``, ``devices``, ``luts``, ``profiler``
and ``search``.
"""

__version__ = "0.1.0"
