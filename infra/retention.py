"""What becomes of what a stack made when it is taken out of it."""

import aws_cdk as cdk


def kept(retain: bool, *, resists: bool = False) -> cdk.RemovalPolicy:
    """Goes with its stack, or outlives it where the environment keeps its data.

    What is kept goes all the same where the very deployment that made it is rolled back: it is
    empty, and in the next attempt's way where it has a name.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html

    Args:
        retain: whether it is kept.
        resists: it may refuse to be deleted from the start, as a table under deletion protection or
            a bucket that S3 writes into: it stays behind then, as a rollback that can't delete it
            would end in ROLLBACK_FAILED.
    """
    if not retain:
        return cdk.RemovalPolicy.DESTROY
    return cdk.RemovalPolicy.RETAIN if resists else cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
