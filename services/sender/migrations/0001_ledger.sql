-- The sender's ledger: one row per message id, written before the carrier is called, so that no id is called twice.

CREATE TABLE messages (
    account_id text NOT NULL,
    message_id text NOT NULL,
    list_id bigint NOT NULL,
    phone text NOT NULL,
    sender_number text NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'dispatching', 'sent', 'suppressed', 'failed', 'unknown')),
    detail text,                 -- sent: the carrier's message id; suppressed: scope and state; failed: the reason
    decision_started_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, message_id)
);
-- What waits for an answer: few at any time.
CREATE INDEX messages_dispatching ON messages (changed_at) WHERE state = 'dispatching';

-- Records that were parked, so that one that is delivered again is not parked again.
CREATE TABLE parked (
    topic text NOT NULL,
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition, record_offset)
);
