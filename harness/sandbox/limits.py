"""The limits that are not settings."""

MAX_REQUEST_BYTES = 256 * 1024
MAX_ACCOUNTS = 10_000
MAX_FAULTY_PHONES = 10_000
MAX_WRITING_PHONES = 100_000
"""The number of phones whose last time of writing is remembered."""
MAX_WRITING_AHEAD_SECONDS = 60
MAX_WAITING_REQUESTS = 500
"""The number of requests that may wait for a message, a call or a webhook at one time."""
MAX_WAIT_SECONDS = 60.0
MAX_PAGE = 10_000

MAX_PENDING_WEBHOOKS = 10_000
"""The number of webhooks being posted, late, or waiting for the next attempt; receipts beyond it are dropped."""
MAX_POSTS_IN_FLIGHT = 50
"""The number of posts in flight of each kind: a benchmark's receipts must not hold up a reply."""
WEBHOOK_ATTEMPT_SECONDS = 10.0
MAX_WEBHOOK_BACKOFF_SECONDS = 5.0
MAX_WEBHOOK_ANSWER_BYTES = 4096
MAX_UNREAD_MESSAGES = 10_000
"""Of each account, listed until they are marked as read."""
