-- `waiting`: the sender has the message, and keeps it until its time.
ALTER TABLE messages DROP CONSTRAINT messages_status_check;
ALTER TABLE messages ADD CONSTRAINT messages_status_check CHECK (status IN ('scheduled', 'cancelled', 'publishing',
    'queued', 'waiting', 'dispatching', 'unknown', 'sent', 'rejected', 'suppressed', 'failed', 'undelivered',
    'delivered')) NOT VALID;
