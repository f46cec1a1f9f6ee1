-- Erasing a recipient (docs/decisions, "erasure"): an entry about them keeps its place, its hash and what was decided. Its
-- text and its phone go: `entry_sha256` has the digest of the entry as it was, from which the chain follows.
ALTER TABLE decisions
    ADD COLUMN entry_sha256 bytea,   -- NULL: not erased
    ADD COLUMN erasure_id uuid;
CREATE INDEX decisions_erasures ON decisions (account_id, decided_at, event_id)
    WHERE phone LIKE 'erased:%' AND entry_sha256 IS NULL;
CREATE INDEX webhook_deliveries_of_event ON webhook_deliveries (event_id);

-- What refused every change now lets one through: `erase_entries` says that it erases, and each row is looked at below.
CREATE OR REPLACE FUNCTION refuse_change_of_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('stopline.erases', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the record is only added to: % of % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION refuse_all_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.entry_sha256 IS NULL AND NEW.entry_sha256 = sha256(convert_to(OLD.entry, 'UTF8'))
        AND NEW.erasure_id IS NOT NULL AND NEW.body = '' AND NEW.phone LIKE 'erased:%'
        AND (NEW.event_id, NEW.partition, NEW.sequence, NEW.inbound_offset, NEW.account_id, NEW.decided_at, NEW.hash)
            = (OLD.event_id, OLD.partition, OLD.sequence, OLD.inbound_offset, OLD.account_id, OLD.decided_at, OLD.hash)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an entry of the record can only be erased' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER record_is_kept_but_erased BEFORE UPDATE ON decisions
    FOR EACH ROW EXECUTE FUNCTION refuse_all_but_erasure();

-- Erases up to `most` entries that were written before the erasure was, and returns how many; after the last it deletes
-- what else only the pipeline writes about the phone. The erasure must be in the chain, and no more is erased than it says.
CREATE FUNCTION erase_entries(erasure uuid, of_phone text, most int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    said decisions;
    allowed int;
    erased uuid[];
    phones text[] := ARRAY(
        SELECT of_phone UNION SELECT written FROM phone_spellings s
        WHERE s.account_id = (SELECT account_id FROM decisions WHERE event_id = erasure) AND s.canonical = of_phone);
BEGIN
    SELECT * INTO said FROM decisions
    WHERE event_id = erasure AND phone LIKE 'erased:%' AND entry_sha256 IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no erasure %', erasure USING ERRCODE = 'no_data_found';
    END IF;
    allowed := (said.entry::json -> 'request' ->> 'erased_entries')::int
        - (SELECT count(*) FROM decisions WHERE account_id = said.account_id AND phone = said.phone
            AND erasure_id = erasure);
    PERFORM set_config('stopline.erases', 'on', true);
    WITH chosen AS (
        SELECT event_id FROM decisions d
        WHERE account_id = said.account_id AND phone = ANY(phones) AND entry_sha256 IS NULL
            AND (d.partition = said.partition AND d.sequence < said.sequence
                OR d.partition <> said.partition AND d.decided_at <= said.decided_at)
        ORDER BY d.partition, d.sequence LIMIT least(most, allowed)
    ), done AS (
        UPDATE decisions d SET
            phone = said.phone, body = '', erasure_id = erasure,
            entry_sha256 = sha256(convert_to(d.entry, 'UTF8')),
            entry = (replace(d.entry, '\u0000', '\ufffd')::jsonb || jsonb_build_object('phone', said.phone)
                || '{"gateway_message_id": null, "body_sha256": "", "term": null, "start": null, "end": null,
                     "normalised_by": [], "unusable_sent_at": null}')::text
        FROM chosen WHERE d.event_id = chosen.event_id
        RETURNING d.event_id
    )
    SELECT array_agg(event_id) INTO erased FROM done;
    PERFORM set_config('stopline.erases', 'off', true);
    DELETE FROM webhook_deliveries WHERE event_id = ANY(erased);
    IF erased IS NULL THEN
        DELETE FROM sent_messages WHERE account_id = said.account_id AND phone = of_phone
            AND dispatched_at <= said.decided_at;
        DELETE FROM phone_spellings WHERE account_id = said.account_id AND canonical = of_phone;
    END IF;
    RETURN coalesce(array_length(erased, 1), 0);
END $$;
REVOKE ALL ON FUNCTION erase_entries(uuid, text, int) FROM PUBLIC;
-- Whoever calls it must not have it find tables of theirs.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION erase_entries(uuid, text, int) SET search_path = pg_catalog, %I, pg_temp', current_schema());
END $$;
