"""What tests of POMONAG share."""

from torch_thread import one_torch_thread

__all__ = ["one_torch_thread"]
