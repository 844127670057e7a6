-- Small integers stand for:
--   members.level               0 all, 1 mentions, 2 nothing
--   messages.mentions_channel   0 no, 1 everybody in the channel is mentioned
--   mentions.counted            0 the message mentions everybody, and counts as such, 1 by name
--   notifications.kind          0 mention, 1 reply, 2 direct, 3 invitation
--   due_notifications.audience  0 the channel, 1 the thread, 2 the other one of a direct conversation

-- What somebody wants to be told of in a channel, and until when of nothing.
ALTER TABLE members ADD COLUMN level SMALLINT NOT NULL DEFAULT 1;
ALTER TABLE members ADD COLUMN quiet_until TIMESTAMPTZ;
-- The rev of their own feed at which they last came in: what they were told of before is gone.
ALTER TABLE members ADD COLUMN entered BIGINT NOT NULL DEFAULT 0;
UPDATE members SET level = 0 WHERE channel_id IN (SELECT id FROM channels WHERE kind >= 2);

-- Who is named, as their ids one after the other; and whether everybody is mentioned.
ALTER TABLE messages ADD COLUMN mentioned BYTEA;
ALTER TABLE messages ADD COLUMN mentions_channel SMALLINT NOT NULL DEFAULT 0;
CREATE INDEX messages_mentions_channel ON messages (channel_id, seq) WHERE mentions_channel = 1;

-- The same by who is named, to be counted above a place.
CREATE TABLE mentions (
    user_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    message_id UUID NOT NULL,
    counted SMALLINT NOT NULL,
    PRIMARY KEY (user_id, channel_id, seq)
);

-- What people are told of. A row goes with what it is about; what is read stays for a while.
CREATE TABLE notifications (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL,
    kind SMALLINT NOT NULL,
    channel_id UUID NOT NULL,
    message_id UUID,
    seq BIGINT,
    actor_id UUID NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    -- The rev of the person's own feed at which it was made: its place among theirs.
    made BIGINT NOT NULL,
    read_at TIMESTAMPTZ,
    user_rev BIGINT NOT NULL
);
CREATE UNIQUE INDEX notifications_message ON notifications (message_id, user_id);
CREATE UNIQUE INDEX notifications_made ON notifications (user_id, made);
CREATE INDEX notifications_user_rev ON notifications (user_id, user_rev);

-- Up to where somebody has seen all of theirs.
CREATE TABLE inboxes (
    user_id UUID NOT NULL PRIMARY KEY,
    read_up_to BIGINT NOT NULL,
    user_rev BIGINT NOT NULL
);

-- Messages that people are yet to be told of, and who was told last.
CREATE TABLE due_notifications (
    message_id UUID NOT NULL,
    audience SMALLINT NOT NULL,
    channel_id UUID NOT NULL,
    rev BIGINT NOT NULL,
    after_id UUID,
    PRIMARY KEY (message_id, audience)
);

-- Whoever began a thread, and whoever replied in it, follows it, unless they have said otherwise.
INSERT INTO thread_follows (message_id, user_id, following)
SELECT DISTINCT thread_id, author_id, 1 FROM messages WHERE thread_id IS NOT NULL
ON CONFLICT DO NOTHING;
INSERT INTO thread_follows (message_id, user_id, following)
SELECT id, author_id, 1 FROM messages WHERE last_reply_at IS NOT NULL
ON CONFLICT DO NOTHING;
