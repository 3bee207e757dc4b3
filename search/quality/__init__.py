"""Which of several architectures are better: ranking, indicators, decision."""
