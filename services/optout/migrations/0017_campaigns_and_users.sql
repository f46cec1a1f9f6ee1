-- Campaigns: one text to everybody on a list, personalised, requested in steps (`services/optout/campaigns/`).
-- `state` says what the customer wants of it; how far it is, `last_contact_id`: members with a greater id are still to come.
CREATE TABLE campaigns (
    campaign_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts,
    subaccount_id bigint,
    list_id bigint NOT NULL REFERENCES contact_lists,
    name text NOT NULL,
    sender_number text NOT NULL,
    body text NOT NULL,
    given jsonb NOT NULL DEFAULT '{}',   -- what clients send along and get back: source, senders, url_to_shorten
    idempotency_key text,
    request_sha256 bytea,
    state text NOT NULL CHECK (state IN ('scheduled', 'running', 'paused', 'cancelled', 'done')),
    scheduled_at timestamptz NOT NULL,
    next_step_at timestamptz NOT NULL,   -- when there may be more to do
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ended_at timestamptz,
    total_count bigint NOT NULL,         -- active members when it was made, then when it started
    until_contact_id bigint,             -- members when it started have no greater id; set then
    last_contact_id bigint NOT NULL DEFAULT 0,
    requested_count bigint NOT NULL DEFAULT 0,
    skipped_count bigint NOT NULL DEFAULT 0,   -- members whose personalised text was empty, or too long
    UNIQUE (account_id, idempotency_key)
);
CREATE INDEX campaigns_of_account ON campaigns (account_id, campaign_id);
CREATE INDEX campaigns_to_run ON campaigns (next_step_at) WHERE state IN ('scheduled', 'running');

-- Users of an account's API besides its own keys, each with rights. `rights`: names as in `services/optout/api/rights.py`.
-- The main one is the account itself: it logs in with the account's keys and may do everything.
CREATE TABLE subaccounts (
    subaccount_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts,
    is_main boolean NOT NULL DEFAULT false,
    api_username text NOT NULL,
    key_sha256 bytea CHECK (octet_length(key_sha256) = 32),
    rights text[] NOT NULL DEFAULT '{}',
    fields jsonb NOT NULL DEFAULT '{}',  -- email, phone_number, first_name, last_name, notes
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz,
    deleted_at timestamptz,
    CHECK (is_main = (key_sha256 IS NULL))
);
CREATE UNIQUE INDEX subaccounts_by_name ON subaccounts (account_id, api_username) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX subaccounts_main ON subaccounts (account_id) WHERE is_main;
CREATE INDEX subaccounts_login ON subaccounts (api_username, key_sha256) WHERE deleted_at IS NULL;

INSERT INTO subaccounts (account_id, is_main, api_username) SELECT account_id, true, account_id FROM accounts;
CREATE FUNCTION add_main_subaccount() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO subaccounts (account_id, is_main, api_username) VALUES (NEW.account_id, true, NEW.account_id);
    RETURN NULL;
END $$;
CREATE TRIGGER add_main_subaccount AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION add_main_subaccount();
