-- What is used of the limits of sender numbers (services/sender/limits/number_use.py): one row for a number, or for a group
-- that has a limit together. Locked while messages take their turn, so that all senders together keep it.
CREATE TABLE number_limits (
    account_id text NOT NULL,
    name text NOT NULL,
    spent_until timestamptz NOT NULL DEFAULT 'epoch',
    queue_until timestamptz NOT NULL DEFAULT 'epoch',
    late_until timestamptz NOT NULL DEFAULT 'epoch',
    day date NOT NULL DEFAULT '0001-01-01',
    sent bigint NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, name)
) WITH (fillfactor = 50);  -- rows change in place, many times a second

-- When accounts that have a frequency cap have messaged a recipient; `list_id` 0: on any list.
CREATE TABLE recipient_messages (
    account_id text NOT NULL,
    phone text NOT NULL,
    list_id bigint NOT NULL,
    times timestamptz[] NOT NULL DEFAULT '{}',
    forget_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, phone, list_id)
);
CREATE INDEX recipient_messages_forget ON recipient_messages (forget_at);
