"""Requests that the sandbox carrier refuses, with the HTTP status that says so."""


class RequestRefusedError(Exception):
    """The request was refused; `field` is the one to send differently.

    It becomes an HTTP response (`json_http.errors_as_json`), so it belongs to none of the families of `shared.errors`.
    """

    def __init__(self, status: int, code: str, text: str, field: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.field = field


class TooManyWebhooksError(RequestRefusedError):
    """Nothing was posted: the limit of pending webhooks is reached."""

    def __init__(self, pending: int) -> None:
        super().__init__(503, "too_many_webhooks", f"{pending} webhooks are pending; try again when they are accepted")
