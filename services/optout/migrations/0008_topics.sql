-- Positions belong to topics, not to their names: a topic that was recreated is another. Each text is a topic's identity
-- as `shared/topic_identity.py` gives it; NULL: not known yet, the first start of a session takes what is there.
-- `suppressions_topic` is the one that was last made to say what this record says; any other text has that done again.

ALTER TABLE partition_positions
    ADD COLUMN inbound_topic text,
    ADD COLUMN delivery_topic text,
    ADD COLUMN suppressions_topic text,
    -- Added to an offset of the inbound topic it is `decisions.inbound_offset`, which goes on where the topic begins again.
    ADD COLUMN inbound_base bigint NOT NULL DEFAULT 0;
