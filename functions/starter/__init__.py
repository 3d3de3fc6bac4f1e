"""Starts executions for complete drops and for drift."""
