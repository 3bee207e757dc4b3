"""Searching a space: engines that propose architectures and learn from what they cost."""
