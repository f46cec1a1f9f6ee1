-- Rules for delivery receipts: each receipt of the account goes to the addresses of its enabled rules. A rule's versions
-- are not kept: nothing is decided by it.
CREATE TABLE receipt_rules (
    receipt_rule_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts,
    name text NOT NULL,
    action text NOT NULL CHECK (action IN ('URL', 'POLL', 'NONE')),
    action_address text,
    enabled boolean NOT NULL,
    version int NOT NULL DEFAULT 1,
    UNIQUE (account_id, name),
    CHECK ((action = 'URL') = (action_address IS NOT NULL))
);
