"""Training supernets: schemes, recipes, resuming, histories."""
