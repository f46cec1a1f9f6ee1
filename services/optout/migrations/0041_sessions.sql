-- Sessions of people who have signed in, such as at the dashboard: only a hash of a session's token is kept. A session
-- ends with the key that it was opened with, and at `expires_at`, or when it has not been used for a while.
CREATE TABLE sessions (
    token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
    account_id text NOT NULL REFERENCES accounts,
    subaccount_id bigint NOT NULL REFERENCES subaccounts,
    key_sha256 bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_of_user ON sessions (subaccount_id, created_at);
CREATE INDEX sessions_by_end ON sessions (expires_at);
