"""Trained models on disk: their cards, where they are, how they predict."""
