"""Engines at work: requests, the loop, results, and comparisons of what engines find."""
