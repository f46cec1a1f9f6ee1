-- Where an account's customers are, by ISO 3166: how a number without a country code is read.
ALTER TABLE accounts ADD COLUMN country text CHECK (country ~ '^[A-Z]{2}$');

-- Other spellings of numbers that the record has, from before numbers were made canonical where they enter.
CREATE TABLE phone_spellings (
    account_id text NOT NULL,
    canonical text NOT NULL,
    written text NOT NULL,
    PRIMARY KEY (account_id, canonical, written)
);

-- Suppressions of such spellings as they were, merged into those of the canonical number. The topic keeps them: a
-- sender that does not make numbers canonical yet goes by them.
CREATE TABLE merged_suppressions (LIKE suppressions);

-- Keys whose state a merge has changed, until the worker of their partition has published them; `counted` is what each
-- still adds to the number of suppressed keys there.
CREATE TABLE suppressions_to_publish (
    account_id text NOT NULL,
    phone text NOT NULL,
    scope text NOT NULL,
    counted int NOT NULL,
    PRIMARY KEY (account_id, phone, scope)
);

-- then: services.optout.decision_log.spellings:merge_spellings
