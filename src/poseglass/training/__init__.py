"""Training: a recipe, its losses, one loop."""
