"""Tells people of executions and rollbacks, and publishes what AWS does not measure."""
