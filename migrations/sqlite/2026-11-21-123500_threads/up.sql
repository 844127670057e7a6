-- Small integers stand for:
--   thread_follows.following    0 not any more, 1 followed

-- The message with which the thread began that a reply belongs to. Replies from before there were
-- threads belong to none.
ALTER TABLE messages ADD COLUMN thread_id BLOB;
-- Of the thread that begins with it: replies that are not deleted, and when the last one came.
ALTER TABLE messages ADD COLUMN reply_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN last_reply_at INTEGER;
CREATE INDEX messages_thread ON messages (thread_id, seq) WHERE thread_id IS NOT NULL;

-- Who follows a thread, or does not, whatever they have said in it. Others follow what they began,
-- and where they replied.
CREATE TABLE thread_follows (
    message_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    following INTEGER NOT NULL,
    PRIMARY KEY (message_id, user_id)
) STRICT, WITHOUT ROWID;
