"""What the sandbox carrier refuses to do, with the HTTP status that says so."""


class RefusedError(Exception):
    """The request cannot be done; `field` is what to send differently."""

    def __init__(self, status: int, code: str, text: str, field: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.field = field


class TooManyWebhooksError(RefusedError):
    """Nothing was posted: as many webhooks as there may be are pending already."""

    def __init__(self, pending: int) -> None:
        super().__init__(503, "too_many_webhooks", f"{pending} webhooks are pending; try again when they are accepted")
