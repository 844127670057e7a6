-- Requests that made a channel and may come again: what they made is known for ever.
CREATE TABLE idempotency_keys (
    -- A keyed digest of who asked and of the key that they chose.
    key UUID NOT NULL PRIMARY KEY,
    -- A keyed digest of the request: it may come again, another one with its key not.
    digest BYTEA NOT NULL,
    channel_id UUID NOT NULL
);
