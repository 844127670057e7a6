-- Small integers stand for:
--   members.level               0 all, 1 mentions, 2 nothing
--   messages.mentions_channel   0 no, 1 everybody in the channel is mentioned
--   mentions.counted            0 the message mentions everybody, and counts as such, 1 by name
--   notifications.kind          0 mention, 1 reply, 2 direct, 3 invitation
--   due_notifications.audience  0 the channel, 1 the thread, 2 the other one of a direct conversation

-- What somebody wants to be told of in a channel, and until when of nothing.
ALTER TABLE members ADD COLUMN level INTEGER NOT NULL DEFAULT 1;
ALTER TABLE members ADD COLUMN quiet_until INTEGER;
-- The rev of their own feed at which they last came in: what they were told of before is gone.
ALTER TABLE members ADD COLUMN entered INTEGER NOT NULL DEFAULT 0;
UPDATE members SET level = 0 WHERE channel_id IN (SELECT id FROM channels WHERE kind >= 2);

-- Who is named, as their ids one after the other; and whether everybody is mentioned.
ALTER TABLE messages ADD COLUMN mentioned BLOB;
ALTER TABLE messages ADD COLUMN mentions_channel INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_mentions_channel ON messages (channel_id, seq) WHERE mentions_channel = 1;

-- The same by who is named, to be counted above a place.
CREATE TABLE mentions (
    user_id BLOB NOT NULL,
    channel_id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    message_id BLOB NOT NULL,
    counted INTEGER NOT NULL,
    PRIMARY KEY (user_id, channel_id, seq)
) STRICT, WITHOUT ROWID;

-- What people are told of. A row goes with what it is about; what is read stays for a while.
CREATE TABLE notifications (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    channel_id BLOB NOT NULL,
    message_id BLOB,
    seq INTEGER,
    actor_id BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    -- The rev of the person's own feed at which it was made: its place among theirs.
    made INTEGER NOT NULL,
    read_at INTEGER,
    user_rev INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX notifications_message ON notifications (message_id, user_id);
CREATE UNIQUE INDEX notifications_made ON notifications (user_id, made);
CREATE INDEX notifications_user_rev ON notifications (user_id, user_rev);

-- Up to where somebody has seen all of theirs.
CREATE TABLE inboxes (
    user_id BLOB NOT NULL PRIMARY KEY,
    read_up_to INTEGER NOT NULL,
    user_rev INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages that people are yet to be told of, and who was told last.
CREATE TABLE due_notifications (
    message_id BLOB NOT NULL,
    audience INTEGER NOT NULL,
    channel_id BLOB NOT NULL,
    rev INTEGER NOT NULL,
    after_id BLOB,
    PRIMARY KEY (message_id, audience)
) STRICT, WITHOUT ROWID;

-- Whoever began a thread, and whoever replied in it, follows it, unless they have said otherwise.
INSERT INTO thread_follows (message_id, user_id, following)
SELECT DISTINCT thread_id, author_id, 1 FROM messages WHERE thread_id IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO thread_follows (message_id, user_id, following)
SELECT id, author_id, 1 FROM messages WHERE last_reply_at IS NOT NULL
ON CONFLICT DO NOTHING;
