"""What accuracy models and predictors regress with."""
