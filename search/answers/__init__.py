"""From a budget to networks that were measured on their device, as files and pictures."""
