"""Webhooks that are refused."""

from shared.errors import PoisonError


class WebhookError(PoisonError):
    """A webhook that can never be accepted.

    `reason` is a stable code, `field` the field to look at (None: the body as a whole), `detail` says what to do.
    """

    def __init__(self, reason: str, detail: str, *, field: str | None = None, status_code: int = 422) -> None:
        super().__init__(reason, detail)
        self.field = field
        self.status_code = status_code
