"""PNAG: a generator of architectures conditioned on the budget (Guo et al. 2022)."""
