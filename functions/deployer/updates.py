"""Where the function itself updates the stack (dev, staging)."""

import logging
from collections.abc import Iterator

from botocore.exceptions import ClientError

from .attempts import Attempt, milliseconds
from .desired import Approval
from .stack import Stack, State, says_changing

logger = logging.getLogger(__name__)


class Updates:
    """Rolls a package out at once."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def failures(self, state: State) -> Iterator[Attempt]:
        """None but those that the stack itself tells of."""
        return iter(())

    def withdraw(self, but: Attempt | None) -> None:
        """Nothing waits for anybody."""

    def deploy(self, state: State, wanted: Approval) -> bool:
        """Updates the stack, once for one state of it: whoever sees the same state sends the same
        token, and CloudFormation takes that for a retry. The update's end is an event.
        """
        client, name = self._stack.client, self._stack.name
        try:
            client.update_stack(
                **self._stack.change(state, wanted.package),
                ClientRequestToken=f"{wanted.attempt.name}-{milliseconds(state.updated)}",
            )
        except client.exceptions.TokenAlreadyExistsException:
            logger.info("%s is being updated to %s already.", name, wanted.package)
        except ClientError as error:
            if says_changing(error):
                logger.info("%s is changing: its end is waited for.", name)
            elif "No updates are to be performed" in str(error):
                logger.info("%s has %s already.", name, wanted.package)
            else:
                raise
        else:
            logger.info("%s is being updated to %s.", name, wanted.package)
        return False
