"""Training: recipes, batches, losses, and runs that can be resumed."""
