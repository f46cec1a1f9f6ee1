-- A rule that was deleted keeps its versions: decisions name them.
ALTER TABLE rules ADD COLUMN deleted boolean NOT NULL DEFAULT false;
