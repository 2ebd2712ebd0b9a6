"""What is drawn or written of runs and evaluations: chart options, figures, the one-page report, the model's README."""
