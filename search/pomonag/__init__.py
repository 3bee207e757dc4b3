"""POMONAG: architectures by diffusion for many objectives, from one training."""
