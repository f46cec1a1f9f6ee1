-- Long work that accounts ask for, in steps; any instance of the API takes a job that nobody works on, from its last step.
CREATE TABLE jobs (
    job_id uuid PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts,
    kind text NOT NULL,
    list_id bigint REFERENCES contact_lists,
    -- Of jobs with the same key one is active at a time.
    exclusive_key text,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    input jsonb NOT NULL,
    place jsonb NOT NULL DEFAULT '{}',
    done bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL DEFAULT 0,
    result jsonb NOT NULL DEFAULT '{}',
    error text,
    -- From this time on an instance may claim it: whoever works on it moves the time on while it lives.
    claimable_at timestamptz NOT NULL DEFAULT now(),
    claim_id uuid,
    claims_without_step int NOT NULL DEFAULT 0,
    cancel_requested_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ended_at timestamptz
);
CREATE INDEX jobs_of_account ON jobs (account_id, created_at DESC, job_id DESC);
CREATE INDEX jobs_active ON jobs (claimable_at) WHERE state IN ('waiting', 'running');
CREATE INDEX jobs_of_list ON jobs (list_id, kind) WHERE state IN ('waiting', 'running');
CREATE UNIQUE INDEX jobs_exclusive ON jobs (exclusive_key) WHERE state IN ('waiting', 'running');

-- What a job has read and checked before it changes anything, in its own format.
CREATE TABLE job_chunks (
    job_id uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    number int NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (job_id, number)
);

-- Files that accounts send, and those that they fetch, under an address that nobody can guess; for a short time.
CREATE TABLE files (
    file_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token text NOT NULL UNIQUE,
    account_id text NOT NULL REFERENCES accounts,
    name text NOT NULL,
    -- An export reads its list when it is fetched.
    list_id bigint REFERENCES contact_lists,
    size_bytes bigint,  -- null: it has not arrived wholly
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX files_expired ON files (expires_at);
CREATE TABLE file_chunks (
    file_id bigint NOT NULL REFERENCES files ON DELETE CASCADE,
    start_byte bigint NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (file_id, start_byte)
);
-- Compression takes longer than to write it.
ALTER TABLE file_chunks ALTER COLUMN content SET STORAGE EXTERNAL;
ALTER TABLE job_chunks ALTER COLUMN content SET STORAGE EXTERNAL;
