-- Recipients whose phone is still to be erased from the ledger, and how far that is: rows of the account with a greater
-- message id are still to be looked at. An index by phone would cost every message; this reads the account's rows once.
CREATE TABLE erasures (
    account_id text NOT NULL,
    phone text NOT NULL,
    erased_at timestamptz NOT NULL,  -- what was decided later is new
    last_message_id text NOT NULL DEFAULT '',
    next_step_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, phone)
);
