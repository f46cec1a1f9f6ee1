-- Where the queue of messages ends that come back on a later day, since a sender number has had its day's count. A sender of
-- the version before leaves it as it is.
ALTER TABLE number_limits ADD COLUMN day_queue_until timestamptz NOT NULL DEFAULT 'epoch';
