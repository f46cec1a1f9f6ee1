"""Requests that are refused."""

from shared.errors import PoisonError


class WebhookError(PoisonError):
    """A webhook that can never be accepted.

    `reason` is a stable code, `field` the field to look at (None: the body as a whole), `detail` says what to do.
    """

    def __init__(self, reason: str, detail: str, *, field: str | None = None, status_code: int = 422) -> None:
        super().__init__(reason, detail)
        self.field = field
        self.status_code = status_code


class IncompleteRequestError(PoisonError):
    """A request that is not a whole webhook: nothing of it is parked; `reason` is its outcome in the metrics."""


class BodyTooLargeError(IncompleteRequestError):
    """A request whose body has more than `MAX_REQUEST_BYTES`."""

    def __init__(self) -> None:
        super().__init__("too_large", "the body has too many bytes")


class TooSlowError(IncompleteRequestError):
    """A request whose body did not come in time, or whose sender is gone."""

    def __init__(self) -> None:
        super().__init__("too_slow", "the body did not come in time")


class NothingSaidError(IncompleteRequestError):
    """A GET without a query: somebody checks whether the address exists."""

    def __init__(self) -> None:
        super().__init__("nothing_said", "a GET needs its fields as a query")
