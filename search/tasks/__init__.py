"""Tasks: small data sets that predictors of accuracy learn to tell apart."""
