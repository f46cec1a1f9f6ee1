-- Who is held of one list or of the account, in the order of their phones: few, among the many who have opted out. While
-- the index is built here, nobody can write to the table: no reply is decided, and messages wait. Where it was built
-- before, by CREATE INDEX CONCURRENTLY with this name (CHANGELOG.md), nobody waits.
CREATE INDEX IF NOT EXISTS suppressions_held_by_scope ON suppressions (account_id, scope, phone) WHERE state = 'held';
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_index i WHERE NOT i.indisvalid AND i.indexrelid = 'suppressions_held_by_scope'::regclass
    ) THEN
        RAISE EXCEPTION 'suppressions_held_by_scope was not built to its end'
            USING HINT = 'DROP INDEX CONCURRENTLY it, then build it again, or leave that to the migration';
    END IF;
END $$;
