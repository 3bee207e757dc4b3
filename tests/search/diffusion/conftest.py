"""What tests of diffusion share."""

from torch_thread import one_torch_thread

__all__ = ["one_torch_thread"]
