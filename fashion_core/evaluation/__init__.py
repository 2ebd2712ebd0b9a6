"""What a model answered about labelled photos: metrics, explanations, label issues, colours, queries."""
