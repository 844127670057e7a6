-- Requests that made a channel and may come again: what they made is known for ever.
CREATE TABLE idempotency_keys (
    -- A keyed digest of who asked and of the key that they chose.
    key BLOB NOT NULL PRIMARY KEY,
    -- A keyed digest of the request: it may come again, another one with its key not.
    digest BLOB NOT NULL,
    channel_id BLOB NOT NULL
) STRICT, WITHOUT ROWID;
