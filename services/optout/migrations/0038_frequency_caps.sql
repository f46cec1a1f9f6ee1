-- How often an account messages one recipient (`FrequencyCap` in shared/events/suppression.py); NULL: as often as it asks
-- for. It is published with what the gate asks, so that a change of it is noted as one of those is.
ALTER TABLE accounts ADD COLUMN frequency_cap jsonb;
CREATE TRIGGER note_frequency_cap_change BEFORE UPDATE OF frequency_cap
    ON accounts FOR EACH ROW EXECUTE FUNCTION note_gate_change();
