"""Grants of a deployed environment: what `./scripts/grants` shows and takes away."""
