-- Calls to customers' addresses, written with the decision that asks for them and made beside the pipeline.
CREATE TABLE webhook_deliveries (
    delivery_id uuid PRIMARY KEY,
    account_id text NOT NULL,
    rule_id bigint NOT NULL,
    rule_version int NOT NULL,
    event_id uuid NOT NULL,
    url text NOT NULL,
    webhook_type text NOT NULL,
    body jsonb NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts int NOT NULL DEFAULT 0,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    next_attempt_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_by_account ON webhook_deliveries (account_id, created_at, delivery_id);
