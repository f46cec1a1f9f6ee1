"""The entries of an account's opt-out list as contacts: one for each opt-out, with the list left, when, and why."""

# Entries of the list, to which a condition is added. `custom_1` is the list that was left, `all lists`, or the sender
# number; `custom_2` when; `custom_3` the text of the message or of the request; `custom_4` the rule, or the source.
ENTRIES = """
SELECT s.suppression_id AS contact_id, s.phone, s.scope, s.cause_event_id,
    s.changed_at AS added_at, s.changed_at AS updated_at,
    coalesce((
        SELECT c.fields FROM contacts c WHERE c.account_id = $1 AND c.phone = s.phone ORDER BY c.contact_id LIMIT 1
    ), '{}') || jsonb_build_object(
        'custom_1', CASE
            WHEN s.scope = 'account' THEN 'all lists'
            WHEN s.scope LIKE 'list:%' THEN (
                SELECT l.name FROM contact_lists l
                WHERE l.account_id = $1 AND l.list_id = substr(s.scope, length('list:') + 1)::bigint)
            ELSE substr(s.scope, length('sender:') + 1) END,
        'custom_2', to_char(s.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'custom_3', left(d.body, 1000),
        'custom_4', coalesce(s.source, d.entry::jsonb ->> 'rule')
    ) AS fields
FROM suppressions s LEFT JOIN decisions d ON d.event_id = s.cause_event_id
WHERE s.account_id = $1 AND s.is_opt_out
"""
