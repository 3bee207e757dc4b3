"""Fronts, curves, comparisons and architectures as pictures."""
