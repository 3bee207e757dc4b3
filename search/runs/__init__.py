"""Engines at work: archives, indicators, and comparisons of what engines find."""
