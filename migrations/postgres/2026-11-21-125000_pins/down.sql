DROP TABLE message_edits;
DROP INDEX messages_not_counted;
CREATE INDEX messages_uncounted ON messages (channel_id, seq) WHERE deleted_at IS NOT NULL;
DROP INDEX messages_pinned;
ALTER TABLE messages DROP COLUMN pinned_by;
ALTER TABLE messages DROP COLUMN pinned_at;
