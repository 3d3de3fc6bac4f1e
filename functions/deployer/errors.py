"""What needs a person."""


class DeployerError(Exception):
    """One sentence: what is wrong, where, what to do."""
