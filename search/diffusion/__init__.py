"""Diffusion over the architectures of a space: what POMONAG's engine and generator are made of."""
