"""Every limit of the service, in one place."""

MAX_REQUEST_BYTES = 64 * 1024
"""Of a webhook's body; an SMS of 20,000 characters fits percent-encoded in most scripts, and no SMS is longer."""
MAX_BATCH_BYTES = 256 * 1024
"""Of the body of a gateway that reports many messages at once."""
MAX_FORM_FIELDS = 100
"""Of a form; parts of a multipart form, files too."""
MAX_JSON_FIELDS = 10_000
MAX_JSON_DEPTH = 8
"""What is nested deeper counts as missing."""
MAX_JSON_NAME = 64
"""A longer name counts as missing."""
MAX_PART_HEADERS = 8
MAX_PART_HEADER_BYTES = 1024
"""Of one line."""
MAX_REPORTS = 500
"""Messages and receipts in one webhook; they are published at once."""
READ_SECONDS = 10.0
"""A client that takes longer to send its body gets 408."""
PUBLISH_SECONDS = 1.5
"""Once read and verified, a webhook is answered within two seconds, whether Kafka acknowledges or not."""
MAX_PUBLISHES_WAITING = 2000
"""Webhooks beyond this number waiting for Kafka at once get 503 immediately."""
RETRY_AFTER_SECONDS = 5
"""The Retry-After header of a 503."""
CONNECT_SECONDS = 5.0
"""Of one attempt to reach Kafka."""
RECONNECT_PAUSE_SECONDS = 0.5
RENEW_AFTER_SECONDS = 10.0
"""A connection without an acknowledgement for this long is reopened."""
PROBE_SECONDS = 1.0
"""Of the readiness probe."""
DRAIN_BYTES = 1024 * 1024
"""This much of an oversized body is read and discarded, so that the client can read the response."""
MAX_CERTIFICATE_BYTES = 64 * 1024
MAX_CERTIFICATES_KEPT = 32
"""In memory; the oldest goes."""
MAX_FETCHES_AT_ONCE = 4
OUTSIDE_SECONDS = 5.0
"""Of one request to an address outside, and the wait for its turn."""
REFUSAL_KEPT_SECONDS = 60.0
"""For this long an address without a certificate is not asked again."""
