-- Since when a message's carrier has refused it for its pace alone: after a time it is not decided again.
ALTER TABLE messages ADD COLUMN throttled_since timestamptz;
