-- A campaign's receipts, each a call, must not hold up the account's calls about replies: these are made first.
ALTER TABLE webhook_deliveries ADD COLUMN is_receipt boolean NOT NULL DEFAULT false;
UPDATE webhook_deliveries SET is_receipt = true
WHERE state = 'pending' AND event_id IN (SELECT receipt_id FROM receipts);
DROP INDEX webhook_deliveries_due;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (account_id, is_receipt, next_attempt_at)
    WHERE state = 'pending';
