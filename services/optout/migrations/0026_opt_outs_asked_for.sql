-- A suppression that somebody asked for. Clean-ups and reports of reassigned numbers suppress too, but nobody asked: the
-- opt-out list does not show them, and no clean-up takes anybody off another list because of them. This rewrites the table
-- under a lock: until it has ended no reply is decided, and nothing is sent.
ALTER TABLE suppressions ADD COLUMN is_opt_out boolean NOT NULL GENERATED ALWAYS AS (
    state = 'opted_out' AND coalesce(source, '') NOT IN ('clean_up', 'reassigned')
) STORED;

DROP INDEX suppressions_listed;
CREATE INDEX suppressions_listed ON suppressions (account_id, suppression_id) WHERE is_opt_out;
