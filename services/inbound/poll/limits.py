"""Every limit of the process, in one place."""

CALL_SECONDS = 20.0
"""Of one request to a gateway's API, its response included."""
MAX_RESPONSE_BYTES = 8 * 1024 * 1024
"""Of one page; a page of 1,000 messages has about 1 MB."""
MAX_PAUSE_SECONDS = 600.0
"""A gateway that asks for a longer pause (Retry-After) is asked again after this."""
USUAL_PAUSE_SECONDS = 30.0
"""After a gateway has asked for a pause without saying how long."""
FAILED_SECONDS = (5.0, 15.0, 30.0, 60.0, 120.0)
"""Pauses after work that failed, one after the other; the last one repeats."""
REFUSED_SECONDS = 300.0
"""After a gateway has refused the credentials: they do not get better by themselves."""
BUG_SECONDS = 300.0
"""After an error that nobody has foreseen: it is logged, and other accounts go on."""
MAX_CALLS_AT_ONCE = 200
"""Of all accounts and gateways; those of one are made one after the other."""
MAX_CALLS_PER_HOST = 50
"""A gateway that does not answer keeps no call to another one waiting. The wait for a turn has no deadline."""
MAX_ROWS_AT_ONCE = 20_000
"""Messages that are held in memory until they are appended, oldest first."""
MAX_PASSES = 50
"""Of one round through a list from which messages vanish as they are read: each has that many messages fewer."""
MAX_IDS_REMEMBERED = 5_000
"""Of each account and gateway: what was appended by this process is not appended again by the next round."""
START_SECONDS = 60.0
"""Within which Kafka must answer when the process starts."""
RETRY_SECONDS = 1.0
