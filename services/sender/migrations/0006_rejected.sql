-- Messages that the gate did not let pass: `detail` is the reason and its explanation.
ALTER TABLE messages DROP CONSTRAINT messages_state_check;
ALTER TABLE messages ADD CONSTRAINT messages_state_check
    CHECK (state IN ('pending', 'dispatching', 'sent', 'suppressed', 'rejected', 'failed', 'unknown')) NOT VALID;
