-- A person's entries in the order of the chain: each new entry names the one before it about the same person.
CREATE INDEX decisions_of_person ON decisions (account_id, phone, partition, sequence);
DROP INDEX decisions_by_phone;
-- A partition's entries by their place in its chain: the digests that lead from an entry to the next anchor.
CREATE INDEX decisions_by_sequence ON decisions (partition, sequence);
