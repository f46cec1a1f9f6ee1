"""A message that was requested, by the test or by the code that it tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stopline_pytest.waits import wrong_outcome

if TYPE_CHECKING:
    from stopline_pytest.account import Account
    from stopline_pytest.outcomes import Kind, Outcome

__tracebackhide__ = True  # a failure shows the test's own line


class Message:
    """A message of an account, by its id."""

    def __init__(self, account: Account, message_id: str) -> None:
        self.account = account
        self.message_id = message_id

    def __repr__(self) -> str:
        return f"Message({self.message_id!r})"

    def outcome(self, timeout_seconds: float | None = None) -> Outcome:
        """Wait for what becomes of the message.

        Raises:
            NotSeenError: there is no outcome in time.
        """
        return self.account.outcome(self.message_id, timeout_seconds)

    def assert_sent(self, timeout_seconds: float | None = None) -> Outcome:
        """Wait for the outcome, which must be that the carrier took the message."""
        return self._assert("sent", timeout_seconds)

    def assert_suppressed(self, scope: str | None = None, timeout_seconds: float | None = None) -> Outcome:
        """Wait for the outcome, which must be that the message was dropped because of an opt-out.

        Args:
            scope: where it must forbid the message, such as `list:12` or `account`; default: anywhere.
            timeout_seconds: default: that of the stack.
        """
        found = self._assert("suppressed", timeout_seconds)
        if scope is not None and found.scope != scope:
            raise wrong_outcome(self.account, f"message {self.message_id}: suppressed by {scope}", str(found))
        return found

    def assert_rejected(self, reason: str | None = None, timeout_seconds: float | None = None) -> Outcome:
        """Wait for the outcome, which must be that the message was refused, such as for `no_way_out`."""
        found = self._assert("rejected", timeout_seconds)
        if reason is not None and found.reason != reason:
            raise wrong_outcome(self.account, f"message {self.message_id}: rejected for {reason}", str(found))
        return found

    def cancel(self) -> None:
        """Request that it does not leave; its outcome is then `rejected` for `cancelled`, if it had not left."""
        cancelled = {
            "type": "message_cancel_requested",
            "version": 1,
            "account_id": self.account.account_id,
            "message_id": self.message_id,
        }
        self.account.stack.producer.produce(cancelled, key=self.message_id)

    def _assert(self, kind: Kind, timeout_seconds: float | None) -> Outcome:
        found = self.outcome(timeout_seconds)
        if found.kind != kind:
            raise wrong_outcome(self.account, f"message {self.message_id}: {kind}", str(found))
        return found
