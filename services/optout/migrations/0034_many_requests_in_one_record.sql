-- A record of a clean-up stands for many requests, so that several entries are about one offset. What no two of them
-- share is the place in their partition's chain.
--
-- Nobody can write to the table while an index of it is built here. Where both were built before, by CREATE INDEX
-- CONCURRENTLY with these names (CHANGELOG.md), nobody waits. The old ones go last: dropping keeps readers out, too.
CREATE INDEX IF NOT EXISTS decisions_of_offset ON decisions (partition, inbound_offset);
CREATE UNIQUE INDEX IF NOT EXISTS decisions_in_order ON decisions (partition, sequence);
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_index i WHERE NOT i.indisvalid AND i.indexrelid IN ('decisions_of_offset'::regclass, 'decisions_in_order'::regclass)
    ) OR NOT (SELECT i.indisunique FROM pg_index i WHERE i.indexrelid = 'decisions_in_order'::regclass) THEN
        RAISE EXCEPTION 'decisions_of_offset or decisions_in_order is not as CHANGELOG.md has it, or was not built to its end'
            USING HINT = 'DROP INDEX CONCURRENTLY it, then build it again, or leave that to the migration';
    END IF;
END $$;
DROP INDEX decisions_by_offset, decisions_by_sequence;
ALTER INDEX decisions_of_offset RENAME TO decisions_by_offset;
ALTER INDEX decisions_in_order RENAME TO decisions_by_sequence;
