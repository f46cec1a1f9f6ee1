-- The identity of the topic that was consumed (shared/topic_identity.py); NULL: whichever the next start finds.
-- Each topic after the first (`generation`) has a consumer group of its own, so that it is read from its beginning.

CREATE TABLE topics (
    name text PRIMARY KEY,
    identity text,
    generation int NOT NULL DEFAULT 0
);
