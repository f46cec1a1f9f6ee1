-- The hours at which an account's messages may reach recipients (`shared/fair_hours/sending_hours.py`); NULL: at any time.
-- They are published with what the gate asks, so that a change of them is noted as one of those is.
ALTER TABLE accounts ADD COLUMN sending_hours jsonb;

CREATE TRIGGER note_hours_change BEFORE UPDATE OF sending_hours
    ON accounts FOR EACH ROW EXECUTE FUNCTION note_gate_change();

-- What a message is for, and where its recipient is as far as whoever sent it knew: for those hours.
ALTER TABLE messages
    ADD COLUMN purpose text CHECK (purpose IN ('marketing', 'transactional')),
    ADD COLUMN recipient_state text;
ALTER TABLE campaigns
    ADD COLUMN purpose text NOT NULL DEFAULT 'marketing' CHECK (purpose IN ('marketing', 'transactional'));
