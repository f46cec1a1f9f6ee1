-- Who has claimed a message: a number that the process holds an advisory lock on while it lives (ledger/owner.py).
-- A call whose owner is gone has lost its answer; nobody has to wait out the longest possible call to know it.

ALTER TABLE messages ADD COLUMN owner bigint NOT NULL DEFAULT 0;
