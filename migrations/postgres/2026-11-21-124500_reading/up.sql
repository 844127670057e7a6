-- Small integers stand for:
--   statuses.chosen      0 online, 1 away, 2 dnd, 3 invisible
--   statuses.receipts    0 off, 1 on
--   statuses.last_seen   0 off, 1 on

-- What others see of how far somebody has read, and of what has come to their devices.
ALTER TABLE members ADD COLUMN seen_seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN delivered_seq BIGINT NOT NULL DEFAULT 0;

-- How somebody wants to be seen, if they have ever said so, and when they were last there.
CREATE TABLE statuses (
    user_id UUID NOT NULL PRIMARY KEY,
    chosen SMALLINT NOT NULL,
    text TEXT NOT NULL,
    emoji TEXT,
    expires_at TIMESTAMPTZ,
    receipts SMALLINT NOT NULL,
    last_seen SMALLINT NOT NULL,
    seen_at TIMESTAMPTZ,
    user_rev BIGINT NOT NULL
);
