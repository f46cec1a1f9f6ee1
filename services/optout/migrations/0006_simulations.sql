-- Draft rules that were run over an account's history. Here, so that every instance can show and cancel them.
CREATE TABLE simulations (
    simulation_id uuid PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts,
    state text NOT NULL CHECK (state IN ('running', 'done', 'cancelled', 'timed_out', 'failed')),
    total bigint NOT NULL DEFAULT 0,
    examined bigint NOT NULL DEFAULT 0,
    matched bigint NOT NULL DEFAULT 0,
    new bigint NOT NULL DEFAULT 0,
    first_new jsonb NOT NULL DEFAULT '[]',
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX simulations_of_account ON simulations (account_id, started_at DESC);
CREATE UNIQUE INDEX simulations_running ON simulations (account_id) WHERE state = 'running';
