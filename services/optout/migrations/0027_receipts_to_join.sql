-- Receipts that have the carrier's id alone wait for their message; those of messages that nobody sent through this API
-- wait indefinitely, so they are not read through to find one.
CREATE INDEX receipts_to_join ON receipts (account_id, carrier_message_id) WHERE message_id IS NULL;
