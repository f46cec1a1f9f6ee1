-- The gateway of the carrier that blocks a sender number: its block ends with a START through that gateway.
ALTER TABLE suppressions ADD COLUMN gateway text;
