"""Networks that share weights: data sets, training, evaluation, checkpoints."""
