-- Simulations also count what the rule that a draft replaces decided, and no rule would any more.
ALTER TABLE simulations
    ADD COLUMN lost bigint NOT NULL DEFAULT 0,
    ADD COLUMN first_lost jsonb NOT NULL DEFAULT '[]';

-- What people have decided about held messages and may still undo: published when their time has come. Until then the
-- message is held, and nothing is sent to who wrote it.
CREATE TABLE review_decisions (
    account_id text NOT NULL REFERENCES accounts,
    held_event_id uuid NOT NULL,
    decision text NOT NULL CHECK (decision IN ('confirm', 'release')),
    decided_by text NOT NULL,
    undo_until timestamptz NOT NULL,
    publish_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, held_event_id)
);
CREATE INDEX review_decisions_due ON review_decisions (publish_at);

-- Parked records that an operator has replayed or dropped: who did it, and why. The records stay in Kafka.
CREATE TABLE parked_settled (
    parked_id text PRIMARY KEY,
    outcome text NOT NULL CHECK (outcome IN ('replayed', 'dropped')),
    settled_by text NOT NULL,
    reason text NOT NULL,
    settled_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
