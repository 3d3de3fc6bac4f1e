"""Gives the serving stack the model package that should serve."""
