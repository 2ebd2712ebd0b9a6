"""All that imports torch: models, loaders, training, evaluation, export."""
