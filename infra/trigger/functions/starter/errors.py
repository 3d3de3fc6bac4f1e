"""What needs a person."""


class StarterError(Exception):
    """One sentence: what is wrong, where, what to do."""
