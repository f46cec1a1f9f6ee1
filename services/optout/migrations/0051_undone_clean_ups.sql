-- The undo of a clean-up is looked up for each job that is shown: of an account with very many jobs, all were read for each.
CREATE INDEX jobs_that_undo ON jobs ((input ->> 'clean_up_id')) WHERE kind = 'undo';
