-- Which message an opt-out link belongs to, from `delivery-events`; kept for as long as the record is.
CREATE TABLE opt_out_links (
    token text PRIMARY KEY,
    account_id text NOT NULL,
    message_id text NOT NULL,
    list_id bigint NOT NULL,
    phone text NOT NULL,
    sender_number text NOT NULL,
    dispatched_at timestamptz NOT NULL
);
CREATE INDEX opt_out_links_by_phone ON opt_out_links (account_id, phone); -- for erasures

-- As in 0021, and the links to the recipient's messages go, too.
CREATE OR REPLACE FUNCTION erase_entries(erasure uuid, of_phone text, most int) RETURNS int
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
        DELETE FROM opt_out_links WHERE account_id = said.account_id AND phone = of_phone
            AND dispatched_at <= said.decided_at;
        DELETE FROM phone_spellings WHERE account_id = said.account_id AND canonical = of_phone;
    END IF;
    RETURN coalesce(array_length(erased, 1), 0);
END $$;
-- `CREATE OR REPLACE` forgets the setting, by which the function does not find tables of its caller's.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION erase_entries(uuid, text, int) SET search_path = pg_catalog, %I, pg_temp', current_schema());
END $$;
