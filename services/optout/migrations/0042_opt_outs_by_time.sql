-- The opt-out list newest first, as people look at it. While the index is built here, nobody can write to the table: no reply
-- is decided, and messages wait. Where it was built before, by CREATE INDEX CONCURRENTLY with this name (CHANGELOG.md),
-- nobody waits.
CREATE INDEX IF NOT EXISTS suppressions_by_time ON suppressions (account_id, changed_at, suppression_id)
    WHERE is_opt_out OR state = 'held';
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_index i WHERE NOT i.indisvalid AND i.indexrelid = 'suppressions_by_time'::regclass) THEN
        RAISE EXCEPTION 'suppressions_by_time was not built to its end'
            USING HINT = 'DROP INDEX CONCURRENTLY it, then build it again, or leave that to the migration';
    END IF;
END $$;
