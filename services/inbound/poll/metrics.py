"""Every metric of the process and what moves it."""

from prometheus_client import Counter, Gauge

CALLS = Counter(
    "stopline_poll_calls",
    "Requests to gateways' APIs. outcome: ok (2xx), busy (429: it asks for a pause), refused (401, 403: the "
    "credentials), failed (any other response, or none).",
    ["gateway", "outcome"],
)
ROUNDS = Counter(
    "stopline_poll_rounds",
    "Rounds of work for one account and gateway that came to their end. work: catch_up and others; outcome: done, "
    "paused (the gateway asks for it), refused (it refuses the credentials), failed (tried again soon), bug (in the "
    "log; tried again later).",
    ["work", "gateway", "outcome"],
)
DONE_AT = Gauge(
    "stopline_poll_done_timestamp_seconds",
    "When a round was last done to its end, as Unix time; 0: never since the start of the process.",
    ["work", "gateway", "account"],
)
LIST_ENTRIES = Counter(
    "stopline_poll_list_entries",
    "Entries of carriers' opt-out lists. outcome: read (a block, which may be known already), parked (it says no phone "
    "number).",
    ["gateway", "outcome"],
)
CONSENTS = Counter(
    "stopline_poll_consents",
    "Opt-outs and opt-ins for carriers' own records. outcome: written, refuses (the carrier does; parked), unavailable "
    "(for an hour; parked).",
    ["gateway", "kind", "outcome"],
)
CONSENT_EVENTS_TOO_OLD = Counter(
    "stopline_poll_consent_events_too_old",
    "Opt-outs and opt-ins of over seven days ago, which are not written to the carrier's record: those from before the "
    "writing was switched on, or that waited for so long.",
    ["gateway"],
)
CONSENTS_FAILING = Gauge(
    "stopline_poll_consents_failing",
    "Whether the opt-outs of an account cannot be written to the carrier's record now (1): they wait, and are parked "
    "after an hour.",
    ["gateway", "account"],
)
MESSAGES_READ = Counter(
    "stopline_poll_messages_read",
    "Messages that a gateway listed, also those that came by webhook before; each round reads the last minutes again.",
    ["gateway"],
)
