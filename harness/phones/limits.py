"""The limits of the page."""

MAX_MESSAGES_PER_PHONE = 40
MAX_NOTES = 60
"""The lines of the feed."""
MAX_JOURNEYS = 12
MAX_STREAMS = 20
"""Browsers' tabs that follow the page at one time."""
MAX_TEXT_CHARACTERS = 1_000
MAX_REQUEST_BYTES = 16 * 1024
MAX_KNOWN_MESSAGES = 5_000
"""The messages whose list and time of request are remembered."""
MAX_KNOWN_POSTS = 500
"""The replies whose times at the gateway are remembered, and the clicks whose recipient is not known yet."""
MAX_MARKS_PER_PARTITION = 2_000
"""The fence markers, and the watermarks, that are remembered of a partition."""
MAX_UNDECIDED_PER_PARTITION = 100_000
MAX_COMMANDS_AT_ONCE = 4

SEND_PAUSE_SECONDS = 0.04
"""Between two events for one browser: what changes meanwhile is in the next one."""
HEARTBEAT_SECONDS = 10.0
REQUEST_SECONDS = 10.0
FIRST_ATTEMPT_SECONDS = 30.0
"""Longer than the sandbox needs to give up its first attempt to post a reply."""
LONG_POLL_SECONDS = 20.0
RETRY_SECONDS = 1.0
LOOK_SECONDS = 1.0
READY_SECONDS = 0.8
QUIET_MICROSECONDS = 400_000
"""How long the watermark must have passed a reply before the page says that nothing follows from it."""
