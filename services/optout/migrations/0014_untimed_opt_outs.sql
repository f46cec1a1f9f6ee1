-- When the newest of the messages behind a suppression was received that came without a time by its gateway: nothing says
-- that an opt-in was written after it, unless that has a later time.
ALTER TABLE suppressions ADD COLUMN untimed_at timestamptz;
UPDATE suppressions SET untimed_at = changed_at WHERE sent_at IS NULL;
