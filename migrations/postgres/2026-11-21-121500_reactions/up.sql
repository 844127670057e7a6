-- Small integers stand for:
--   reactions.mine    0 taken back, 1 there

-- How many people have reacted to a message with an emoji. What went to 0 stays, to say so.
CREATE TABLE reaction_counts (
    message_id UUID NOT NULL,
    emoji TEXT NOT NULL,
    channel_id UUID NOT NULL,
    count BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    PRIMARY KEY (message_id, emoji)
);
CREATE INDEX reaction_counts_rev ON reaction_counts (channel_id, rev);

-- Who has. What was taken back stays, to tell the person's other devices.
CREATE TABLE reactions (
    message_id UUID NOT NULL,
    user_id UUID NOT NULL,
    emoji TEXT NOT NULL,
    mine SMALLINT NOT NULL,
    user_rev BIGINT NOT NULL,
    PRIMARY KEY (message_id, user_id, emoji)
);
CREATE INDEX reactions_emoji ON reactions (message_id, emoji, user_id) WHERE mine = 1;
CREATE INDEX reactions_user_rev ON reactions (user_id, user_rev);
