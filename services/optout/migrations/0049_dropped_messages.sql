-- Messages that were dropped because the number had opted out, or rejected before they left: that somebody tried to send them
-- is a part of the number's story. Forgotten as sent messages are.
CREATE TABLE dropped_messages (
    account_id text NOT NULL,
    message_id text NOT NULL,
    phone text NOT NULL,
    list_id bigint,
    sender_number text,
    outcome text NOT NULL CHECK (outcome IN ('suppressed', 'rejected')),
    reason text,
    dropped_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, message_id)
);
CREATE INDEX dropped_messages_of_phone ON dropped_messages (account_id, phone, dropped_at);
CREATE INDEX dropped_messages_by_time ON dropped_messages (dropped_at);
