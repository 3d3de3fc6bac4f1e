"""Containers as process trees in Linux namespaces of their own."""
