"""Requests that are refused."""

from typing import ClassVar

from shared.errors import PoisonError


class WebhookError(PoisonError):
    """A webhook that can never be accepted.

    `reason` is a stable code, `field` the field to look at (None: the body as a whole), `detail` says what to do.
    """

    def __init__(self, reason: str, detail: str, *, field: str | None = None, status_code: int = 422) -> None:
        super().__init__(reason, detail)
        self.field = field
        self.status_code = status_code


class IncompleteRequestError(Exception):
    """A request that is not a whole webhook; `reason` is its outcome in the metrics.

    It belongs to no family of `shared.errors`: the gateway gets a response, and nothing is parked.
    """

    reason: ClassVar[str]


class BodyTooLargeError(IncompleteRequestError):
    """A request whose body has more than `MAX_REQUEST_BYTES`."""

    reason = "too_large"


class TooSlowError(IncompleteRequestError):
    """A request whose body did not come in time, or whose sender is gone."""

    reason = "too_slow"


class NothingSaidError(IncompleteRequestError):
    """A GET without a query: somebody checks whether the address exists."""

    reason = "nothing_said"
