-- How far opt-outs reach, by the country of the phone, where an account has said so itself. Versions are added and never
-- changed: decisions name them. `postpones` is the version of a policy that came with Stopline.
CREATE TABLE reach_policies (
    account_id text NOT NULL REFERENCES accounts,
    version int NOT NULL,
    country text NOT NULL CHECK (country ~ '^([A-Z]{2}|\*)$'),
    reach text NOT NULL CHECK (reach IN ('list', 'sender', 'account')),
    valid_from timestamptz NOT NULL,
    postpones text,
    postponed_until timestamptz,
    reason text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, version),
    CHECK ((postpones IS NULL) = (postponed_until IS NULL))
);
CREATE FUNCTION refuse_change_of_policies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'policies are only added to: % of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER policies_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON reach_policies
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_policies();
