-- Parts of a text are joined only where no erasure of their writer is under way: it is looked up by the phone, which a
-- job that has ended does not name any more.
CREATE INDEX jobs_that_erase ON jobs ((input ->> 'phone')) WHERE kind = 'erasure';
