-- Whether a message was to be cancelled while its carrier was called: if it is given back, it is not decided again.
ALTER TABLE messages ADD COLUMN cancel_asked boolean NOT NULL DEFAULT false;
