"""From what is known to what is done."""

import logging
from dataclasses import dataclass

from .approvals import (
    Approval,
    Approvals,
    Attempt,
    DeployerError,
    Event,
    Packages,
    approved_package,
    desired,
)
from .rollouts import Rollout
from .stack import Stack, State

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reconciler:
    """Brings the stack to the package that should serve; called twice, it does nothing more.

    Several may run at once, without a lock or reserved concurrency (an account must leave 100 of
    its concurrent executions unreserved, and a new one may have as few as 10): the table's writes
    are conditional, CloudFormation runs one update of a stack at a time, the end of each update is
    an event itself, and after a change set there is a second look. So what was done on an old view
    is put right.
    """

    approvals: Approvals
    packages: Packages
    stack: Stack
    rollout: Rollout

    def hear(self, event: Event) -> None:
        """Notes what the event tells and does what follows.

        Raises:
            DeployerError: A person is needed.
        """
        if approval := approved_package(event):
            self.approvals.approve(*approval)
        while self.reconcile():
            pass

    def reconcile(self) -> bool:
        """Whether to look again: another function may have acted on a newer view meanwhile."""
        state = self.stack.state()
        if state.is_changing:
            logger.info("%s is %s: its end is waited for.", self.stack.name, state.status)
            return False
        self._note_failures(state)
        if not state.is_updatable:
            raise DeployerError(
                f"The stack {self.stack.name} is {state.status} and cannot be updated: bring it "
                "to UPDATE_ROLLBACK_COMPLETE with aws cloudformation continue-update-rollback."
            )
        if state.serving:
            self.approvals.adopt(state.serving)
        return self._bring(state, desired(self.approvals.all(), self.packages.is_approved))

    def _note_failures(self, state: State) -> None:
        """Before anything new begins, so that a rollback's event may come as late as it likes."""
        attempts = (Attempt.from_name(token) for token in self.stack.rolled_back())
        for attempt in (*filter(None, attempts), *self.rollout.failures(state)):
            self.approvals.fail(attempt)

    def _bring(self, state: State, wanted: Approval | None) -> bool:
        serves = wanted is None or wanted.package == state.serving
        self.rollout.withdraw(None if wanted is None or serves else wanted.attempt)
        if wanted is None:
            # A rejection says what must not be rolled out. To answer nobody at all is another
            # decision, and a person's: deploy the stack with an empty parameter.
            logger.warning(
                "No approved package is left that works: %s keeps %s.",
                self.stack.name,
                state.serving or "none",
            )
        elif serves:
            logger.info("%s has %s already.", self.stack.name, wanted.package)
        else:
            return self.rollout.deploy(state, wanted)
        return False
