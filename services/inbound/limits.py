"""Every limit of the service, in one place."""

MAX_REQUEST_BYTES = 64 * 1024
"""Of a webhook's body; an SMS of 20,000 characters fits percent-encoded in most scripts, and no SMS has so many."""
MAX_FORM_FIELDS = 100
"""Of a form; parts of a multipart form, files too."""
MAX_PART_HEADERS = 8
MAX_PART_HEADER_BYTES = 1024
"""Of one line."""
READ_SECONDS = 10.0
"""A sender that takes longer to send its body is told so with 408."""
PUBLISH_SECONDS = 1.5
"""A webhook is answered within two seconds, whether Kafka acknowledges or not."""
MAX_PUBLISHES_WAITING = 2000
"""More than so many waiting for Kafka at once are answered 503 without waiting."""
RETRY_AFTER_SECONDS = 5
"""What a gateway is told with a 503."""
CONNECT_SECONDS = 5.0
"""Of one attempt to reach Kafka."""
RECONNECT_PAUSE_SECONDS = 0.5
REQUEST_TIMEOUT_MS = 5000
"""Of one request to a broker: one that froze is given up and asked again."""
RENEW_AFTER_SECONDS = 10.0
"""A connection through which nothing was acknowledged for so long is made anew."""
PROBE_SECONDS = 1.0
"""Of the readiness probe."""
DRAIN_BYTES = 1024 * 1024
"""So much of a body that is too large is read and thrown away, so that its sender gets to read the answer."""
MAX_SECRETS_KEPT = 4096
"""Webhook secrets of accounts that are kept rather than derived again."""
