-- Old messages are found when they are to be forgotten: without this, all of the table was read each time. While the index is
-- built here, nothing is noted of what the sender sends, and replies wait. Where it was built before, by CREATE INDEX
-- CONCURRENTLY with this name (CHANGELOG.md), nobody waits.
CREATE INDEX IF NOT EXISTS sent_messages_by_time ON sent_messages (dispatched_at);
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_index i WHERE NOT i.indisvalid AND i.indexrelid = 'sent_messages_by_time'::regclass) THEN
        RAISE EXCEPTION 'sent_messages_by_time was not built to its end'
            USING HINT = 'DROP INDEX CONCURRENTLY it, then build it again, or leave that to the migration';
    END IF;
END $$;
