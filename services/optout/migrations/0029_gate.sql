-- What the sender's gate asks: how each account's messages are checked, and which lists there are. Every change notes the
-- transaction that made it: whoever looks for changes asks for those of transactions that had not ended when it looked
-- last, so that it finds each of them, in whatever order they commit, and none waits for another.
ALTER TABLE accounts
    ADD COLUMN gate_policy text NOT NULL DEFAULT 'reject' CHECK (gate_policy IN ('reject', 'append')),
    ADD COLUMN gate_instruction text,
    ADD COLUMN exempts_conversational boolean NOT NULL DEFAULT false,
    ADD COLUMN gate_changed_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
    ADD CONSTRAINT appended_instruction CHECK (gate_policy = 'reject' OR gate_instruction IS NOT NULL);
ALTER TABLE contact_lists ADD COLUMN changed_in xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX accounts_by_gate_change ON accounts (gate_changed_in);
CREATE INDEX contact_lists_by_change ON contact_lists (changed_in);

-- The revision of its rules changes with every rule, and is set by no one else.
CREATE FUNCTION note_gate_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.gate_changed_in := pg_current_xact_id();
    RETURN NEW;
END $$;
CREATE TRIGGER note_gate_change BEFORE UPDATE OF rules_revision, gate_policy, gate_instruction, exempts_conversational
    ON accounts FOR EACH ROW EXECUTE FUNCTION note_gate_change();

CREATE FUNCTION note_list_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_in := pg_current_xact_id();
    RETURN NEW;
END $$;
CREATE TRIGGER note_list_change BEFORE UPDATE OF deleted_at ON contact_lists
    FOR EACH ROW EXECUTE FUNCTION note_list_change();
