-- API keys: several for each account, each with a name; only a hash of a key is kept.
CREATE TABLE api_keys (
    key_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts,
    name text NOT NULL,
    key_sha256 bytea NOT NULL CHECK (octet_length(key_sha256) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    UNIQUE (account_id, name),
    UNIQUE (account_id, key_sha256)
);

INSERT INTO api_keys (account_id, name, key_sha256, created_at)
SELECT account_id, 'first', api_key_sha256, created_at FROM accounts WHERE octet_length(api_key_sha256) = 32;

ALTER TABLE accounts DROP COLUMN api_key_sha256;
