-- The inbox of an account, newest first. Entries arrive in this order, so that they go to the index's right edge.
CREATE INDEX decisions_by_time ON decisions (account_id, decided_at, event_id);
