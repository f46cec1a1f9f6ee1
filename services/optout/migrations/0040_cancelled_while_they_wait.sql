-- Messages that wait in the sender, and that somebody has cancelled: since when, until the sender has been asked.
ALTER TABLE messages ADD COLUMN cancel_asked_at timestamptz;
CREATE INDEX messages_to_cancel ON messages (cancel_asked_at) WHERE cancel_asked_at IS NOT NULL;
CREATE INDEX messages_that_wait ON messages (account_id, custom_string) WHERE status = 'waiting';
