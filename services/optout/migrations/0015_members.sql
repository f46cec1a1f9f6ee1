-- Lists and contacts as customers' clients know them: ids of single contacts, lists that are deleted or have a meaning of
-- their own, and the opt-out list. A contact that opted out keeps its row: that it has left follows from `suppressions`.

-- Contacts, and the entries of opt-out lists, which clients see as contacts, have ids out of one sequence.
CREATE SEQUENCE contact_ids AS bigint;

ALTER TABLE contacts DROP CONSTRAINT contacts_pkey;
ALTER TABLE contacts
    ADD COLUMN contact_id bigint PRIMARY KEY DEFAULT nextval('contact_ids'),
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    -- Taken off the list by the customer, by hand or with a clean-up; kept, so that the clean-up can be undone.
    ADD COLUMN removed_at timestamptz,
    ADD COLUMN removed_by uuid,
    -- Some have only an e-mail address or a fax number.
    ALTER COLUMN phone DROP NOT NULL;
CREATE INDEX contacts_of_list ON contacts (list_id, contact_id) WHERE removed_at IS NULL;
CREATE INDEX contacts_by_phone ON contacts (list_id, phone) WHERE removed_at IS NULL;
CREATE INDEX contacts_of_phone ON contacts (account_id, phone);
CREATE INDEX contacts_removed ON contacts (removed_by) WHERE removed_at IS NOT NULL;

-- `opt_outs`: the account's opt-out list, whose contacts are its opt-outs. `default`: the list of messages sent without one.
ALTER TABLE contact_lists
    ADD COLUMN kind text NOT NULL DEFAULT 'contacts' CHECK (kind IN ('contacts', 'default', 'opt_outs')),
    ADD COLUMN deleted_at timestamptz,
    DROP CONSTRAINT contact_lists_account_id_name_key;
CREATE UNIQUE INDEX contact_lists_by_name ON contact_lists (account_id, name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX contact_lists_special ON contact_lists (account_id, kind) WHERE kind <> 'contacts';

-- Gives an account the two lists that each has; a name that is taken already gets " (Stopline)" after it.
CREATE FUNCTION add_special_lists() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contact_lists (account_id, name, kind) VALUES
        (NEW.account_id, 'Opt Out List', 'opt_outs'), (NEW.account_id, 'Default List', 'default');
    RETURN NULL;
END $$;
INSERT INTO contact_lists (account_id, name, kind)
SELECT a.account_id, special.name || CASE WHEN taken.name IS NULL THEN '' ELSE ' (Stopline)' END, special.kind
FROM accounts a
CROSS JOIN (VALUES ('Opt Out List', 'opt_outs'), ('Default List', 'default')) AS special (name, kind)
LEFT JOIN contact_lists taken ON taken.account_id = a.account_id AND taken.name = special.name;
CREATE TRIGGER add_special_lists AFTER INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION add_special_lists();

-- `source`: what asked for it, where that was not a message (as in the events); `list_name` and texts are found by it.
ALTER TABLE suppressions
    ADD COLUMN suppression_id bigint NOT NULL DEFAULT nextval('contact_ids'),
    ADD COLUMN source text;
CREATE INDEX suppressions_listed ON suppressions (account_id, suppression_id) WHERE state = 'opted_out';
CREATE INDEX suppressions_by_scope ON suppressions (account_id, scope, phone) WHERE state <> 'opted_in';
