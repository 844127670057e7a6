-- Small integers stand for:
--   drafts.written    0 emptied, 1 something is in it

-- What people have begun to write. What was emptied stays for a while, to tell the person's other
-- devices.
CREATE TABLE drafts (
    user_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    -- 16 zero bytes of the one that answers nothing.
    reply_to UUID NOT NULL,
    content TEXT NOT NULL,
    -- The ids of files, 16 bytes each.
    attachments BYTEA NOT NULL,
    written SMALLINT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    user_rev BIGINT NOT NULL,
    PRIMARY KEY (user_id, channel_id, reply_to)
);
CREATE INDEX drafts_user_rev ON drafts (user_id, user_rev);
CREATE INDEX drafts_channel ON drafts (channel_id);
