-- Messages that accounts send by API, and what became of them: added with the request, changed by `delivery-events`
-- (`services/optout/sending/outcomes.py`). A campaign's messages have its id.
-- `scheduled`: waits for its time. `publishing`: some instance writes it to Kafka, or died doing so; it is not cancelled
-- any more. `queued`: it is in Kafka. The rest is what the sender and receipts say; a status never goes back.
CREATE TABLE messages (
    account_id text NOT NULL,
    message_id text NOT NULL,
    user_id bigint NOT NULL DEFAULT 0,
    subaccount_id bigint NOT NULL DEFAULT 0,
    list_id bigint NOT NULL,
    contact_id bigint,
    campaign_id bigint,
    has_list boolean NOT NULL DEFAULT true,   -- false: sent without a list; it is the default list's
    phone text NOT NULL,
    sender_number text NOT NULL,
    body text NOT NULL,
    parts int NOT NULL,
    custom_string text NOT NULL DEFAULT '',
    country text NOT NULL DEFAULT '',
    source text NOT NULL DEFAULT '',
    from_email text,
    schedule timestamptz,                     -- NULL: at once
    created_at timestamptz NOT NULL DEFAULT now(),
    publish_at timestamptz NOT NULL DEFAULT now(),
    status text NOT NULL DEFAULT 'scheduled' CHECK (status IN ('scheduled', 'cancelled', 'publishing', 'queued',
        'dispatching', 'unknown', 'sent', 'rejected', 'suppressed', 'failed', 'undelivered', 'delivered')),
    error text,
    carrier_message_id text,
    dispatched_at timestamptz,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, message_id)
);
CREATE INDEX messages_by_time ON messages (account_id, created_at, message_id);
CREATE INDEX messages_of_phone ON messages (account_id, phone);
CREATE INDEX messages_of_campaign ON messages (account_id, campaign_id, status) WHERE campaign_id IS NOT NULL;
CREATE INDEX messages_by_carrier_id ON messages (account_id, carrier_message_id) WHERE carrier_message_id IS NOT NULL;
CREATE INDEX messages_by_custom_string ON messages (account_id, custom_string) WHERE status = 'scheduled';
CREATE INDEX messages_to_publish ON messages (publish_at) WHERE status IN ('scheduled', 'publishing');

-- Which lists are sent from which number: an opt-out of one of them forbids a message without a list from that number.
CREATE TABLE lists_of_senders (
    account_id text NOT NULL,
    sender_number text NOT NULL,
    list_id bigint NOT NULL,
    PRIMARY KEY (account_id, sender_number, list_id)
);
CREATE INDEX lists_of_senders_by_list ON lists_of_senders (account_id, list_id);
INSERT INTO lists_of_senders SELECT DISTINCT account_id, sender_number, list_id FROM sent_messages;

-- Delivery receipts, as gateways report them; `receipt_id` is the event's.
CREATE TABLE receipts (
    receipt_id uuid PRIMARY KEY,
    account_id text NOT NULL,
    message_id text,
    carrier_message_id text NOT NULL,
    status text NOT NULL,
    gateway_status text NOT NULL,
    received_at timestamptz NOT NULL,
    read_at timestamptz
);
CREATE INDEX receipts_unread ON receipts (account_id, received_at, receipt_id) WHERE read_at IS NULL;
CREATE INDEX receipts_of_message ON receipts (account_id, message_id, received_at);

-- Replies that a client has marked as read: single ones, and all up to a time.
CREATE TABLE replies_read (
    account_id text NOT NULL,
    event_id uuid NOT NULL,
    PRIMARY KEY (account_id, event_id)
);
CREATE TABLE replies_read_before (
    account_id text PRIMARY KEY,
    read_before timestamptz NOT NULL
);

CREATE TABLE message_templates (
    template_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL,
    name text NOT NULL,
    body text NOT NULL
);
CREATE INDEX message_templates_of_account ON message_templates (account_id, template_id);
