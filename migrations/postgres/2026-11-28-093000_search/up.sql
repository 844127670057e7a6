-- What can be found of messages, numbered by recency: those from before the index downwards from
-- 2³², as they are found, all others upwards from there, as they come.
CREATE TABLE search_entries (
    no BIGINT NOT NULL PRIMARY KEY,
    message_id UUID NOT NULL,
    channel_id UUID NOT NULL,
    version INTEGER NOT NULL,
    words TSVECTOR NOT NULL
);
CREATE UNIQUE INDEX search_entries_message ON search_entries (message_id);
-- Nothing is put off until somebody searches.
CREATE INDEX search_entries_words ON search_entries USING gin (words) WITH (fastupdate = off);

-- Entries are found by chunks of their numbers; when the messages of each were sent.
CREATE TABLE search_chunks (
    chunk BIGINT NOT NULL PRIMARY KEY,
    oldest TIMESTAMPTZ NOT NULL,
    newest TIMESTAMPTZ NOT NULL
);

-- Up to which rev of each channel's feed messages are indexed.
CREATE TABLE search_cursors (
    channel_id UUID NOT NULL PRIMARY KEY,
    rev BIGINT NOT NULL
);

-- One row: the next number, and how far messages from before the index are indexed, the newest
-- first; null when all are.
CREATE TABLE search_state (
    id BIGINT NOT NULL PRIMARY KEY,
    next_no BIGINT NOT NULL,
    older_than UUID,
    older_no BIGINT NOT NULL
);

INSERT INTO search_cursors (channel_id, rev)
SELECT channels.id, feeds.head FROM channels JOIN feeds ON feeds.id = channels.id;
INSERT INTO search_state (id, next_no, older_than, older_no)
SELECT 1, 4294967296, CASE WHEN EXISTS (SELECT 1 FROM messages) THEN 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid END, 4294967296;
