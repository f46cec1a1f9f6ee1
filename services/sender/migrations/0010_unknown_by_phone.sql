-- Messages with an unknown outcome by their recipient: a receipt by SMPP names neither our id nor one that we know.
CREATE INDEX messages_unknown ON messages (account_id, phone) WHERE state = 'unknown';
