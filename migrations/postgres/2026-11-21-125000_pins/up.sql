-- Small integers stand for:
--   messages.kind    2 the channel was renamed, 3 its topic changed, 4 a message was pinned

ALTER TABLE messages ADD COLUMN pinned_at TIMESTAMPTZ;
ALTER TABLE messages ADD COLUMN pinned_by UUID;
CREATE INDEX messages_pinned ON messages (channel_id, pinned_at) WHERE pinned_at IS NOT NULL;
-- What the channel itself says counts in no unread either.
DROP INDEX messages_uncounted;
CREATE INDEX messages_not_counted ON messages (channel_id, seq) WHERE deleted_at IS NOT NULL OR kind >= 2;

-- What messages said before they were edited.
CREATE TABLE message_edits (
    message_id UUID NOT NULL,
    version INTEGER NOT NULL,
    content TEXT NOT NULL,
    said_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (message_id, version)
);
