-- The way out that a message offered: what the reply to it is compared with.
ALTER TABLE sent_messages ADD COLUMN instruction text;
-- The review queue: what waits for a person, oldest first.
CREATE INDEX suppressions_held ON suppressions (account_id, changed_at, cause_event_id) WHERE state = 'held';
