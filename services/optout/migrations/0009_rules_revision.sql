-- What an account's rules are, in one value that changes with them: whoever keeps them ready looks at this alone. It is
-- random and not counted, so that a database that was restored from a backup does not repeat one.
ALTER TABLE accounts ADD COLUMN rules_revision uuid NOT NULL DEFAULT gen_random_uuid();

-- The newest version of a rule, found without reading the ones before.
ALTER TABLE rules ADD COLUMN is_newest boolean NOT NULL DEFAULT true;
UPDATE rules r SET is_newest = false WHERE EXISTS (
    SELECT FROM rules later
    WHERE later.account_id = r.account_id AND later.rule_id = r.rule_id AND later.version > r.version
);
CREATE UNIQUE INDEX rules_newest ON rules (account_id, rule_id) WHERE is_newest;

CREATE FUNCTION note_new_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE rules SET is_newest = false WHERE account_id = NEW.account_id AND rule_id = NEW.rule_id AND is_newest;
    RETURN NEW;
END $$;
CREATE TRIGGER note_new_version BEFORE INSERT ON rules FOR EACH ROW EXECUTE FUNCTION note_new_version();

CREATE FUNCTION change_rules_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE accounts SET rules_revision = gen_random_uuid() WHERE account_id IN (SELECT account_id FROM changed);
    RETURN NULL;
END $$;
CREATE TRIGGER change_rules_revision AFTER INSERT ON rules REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION change_rules_revision();

-- Customers' addresses are called account by account.
DROP INDEX webhook_deliveries_due;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (account_id, next_attempt_at) WHERE state = 'pending';
