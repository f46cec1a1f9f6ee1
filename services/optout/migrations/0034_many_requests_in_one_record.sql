-- A record of a clean-up stands for many requests, so that several entries are about one offset. What no two of them
-- share is the place in their partition's chain.
DROP INDEX decisions_by_offset;
CREATE INDEX decisions_by_offset ON decisions (partition, inbound_offset);
DROP INDEX decisions_by_sequence;
CREATE UNIQUE INDEX decisions_by_sequence ON decisions (partition, sequence);
