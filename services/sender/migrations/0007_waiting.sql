-- Messages for later: their rows in the ledger are `waiting`, and this table has what is needed to send them. A row goes
-- when its message has an outcome. `detail` of a waiting row of the ledger: until when it waits, and for what.
ALTER TABLE messages DROP CONSTRAINT messages_state_check;
ALTER TABLE messages ADD CONSTRAINT messages_state_check
    CHECK (state IN ('pending', 'waiting', 'dispatching', 'sent', 'suppressed', 'rejected', 'failed', 'unknown')) NOT VALID;

CREATE TABLE waiting_messages (
    account_id text NOT NULL,
    message_id text NOT NULL,
    due_at timestamptz NOT NULL,
    take_at timestamptz NOT NULL,        -- as due_at; later, where the last try failed
    owner bigint NOT NULL DEFAULT 0,     -- the living process that decides it now (ledger/owner.py); 0: nobody
    waits_since timestamptz NOT NULL,    -- what was erased later is erased here, too
    request text NOT NULL,               -- the event `message_requested`, as JSON
    PRIMARY KEY (account_id, message_id)
) WITH (fillfactor = 50);                -- `owner` changes in place: half of the time that it takes elsewhere
CREATE INDEX waiting_messages_take ON waiting_messages (take_at);
