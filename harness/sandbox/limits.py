"""The limits that are not settings."""

MAX_REQUEST_BYTES = 256 * 1024
MAX_ACCOUNTS = 10_000
MAX_FAULTY_PHONES = 10_000
MAX_WRITING_PHONES = 100_000
"""Phones whose last time of writing is remembered."""
MAX_WRITING_AHEAD_SECONDS = 60
MAX_WAITING_REQUESTS = 500
"""Requests that wait for something to arrive, at one time."""
MAX_WAIT_SECONDS = 60.0
MAX_PAGE = 10_000

MAX_PENDING_WEBHOOKS = 10_000
"""Webhooks that are being posted, late, or between two attempts; a receipt beyond that is not posted."""
MAX_POSTS_IN_FLIGHT = 50
"""Of one kind: receipts of a benchmark must not hold up a person's reply."""
WEBHOOK_ATTEMPT_SECONDS = 10.0
MAX_WEBHOOK_BACKOFF_SECONDS = 5.0
MAX_WEBHOOK_ANSWER_BYTES = 4096
