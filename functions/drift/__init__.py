"""Compares the classes that are answered with those of training, and asks for a run."""
