-- The one answer that an opt-out may get: an account's texts by country and sender number, none by default. They are
-- settings that the sender asks for, too. A message that is such an answer names the opt-out that it confirms; a state
-- that it asks about has the word that narrows it to the list, and until when.
ALTER TABLE accounts ADD COLUMN opt_out_confirmations jsonb NOT NULL DEFAULT '[]';
DROP TRIGGER note_gate_change ON accounts;
CREATE TRIGGER note_gate_change
    BEFORE UPDATE OF rules_revision, gate_policy, gate_instruction, exempts_conversational, opt_out_confirmations
    ON accounts FOR EACH ROW EXECUTE FUNCTION note_gate_change();
ALTER TABLE sent_messages ADD COLUMN confirms uuid;
ALTER TABLE suppressions
    ADD COLUMN list_word text,
    ADD COLUMN list_word_until timestamptz,
    ADD CONSTRAINT list_word_has_an_end CHECK ((list_word IS NULL) = (list_word_until IS NULL));
