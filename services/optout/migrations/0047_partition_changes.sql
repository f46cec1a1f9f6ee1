-- Changes of the number of partitions (`stopline partitions change`), of which at most one is not finished.
CREATE TABLE partition_changes (
    change int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partitions_before int NOT NULL,
    partitions_after int NOT NULL CHECK (partitions_after > partitions_before),
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE UNIQUE INDEX partition_changes_unfinished ON partition_changes ((finished_at IS NULL)) WHERE finished_at IS NULL;

-- How long each chain was when a change ended: a recipient's later entries are in the chain of another partition. Their order
-- is that of the changes, and within each that of the chain.
CREATE TABLE chain_lengths (
    change int NOT NULL REFERENCES partition_changes,
    partition int NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (partition, change)
);

-- Records of `inbound-messages` before it were placed by another number of partitions: they are decided, or were copied
-- to the partition that they belong to now, and are never read again.
ALTER TABLE partition_positions ADD COLUMN read_from bigint NOT NULL DEFAULT 0;
