"""What needs a person."""


class Refused(Exception):  # noqa: N818 - what SageMaker did, and no fault
    """SageMaker will never start this: one sentence with its words."""


class StarterError(Exception):
    """One sentence: what is wrong, where, what to do."""
