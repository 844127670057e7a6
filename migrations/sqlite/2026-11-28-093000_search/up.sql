-- What can be found of messages, numbered by recency: those from before the index downwards from
-- 2³², as they are found, all others upwards from there, as they come. `words` are the words as the
-- index has them, which it must be told to forget them.
CREATE TABLE search_entries (
    no INTEGER NOT NULL PRIMARY KEY,
    message_id BLOB NOT NULL,
    channel_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    words TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX search_entries_message ON search_entries (message_id);

-- Entries are found by chunks of their numbers; when the messages of each were sent.
CREATE TABLE search_chunks (
    chunk INTEGER NOT NULL PRIMARY KEY,
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL
) STRICT;

-- Up to which rev of each channel's feed messages are indexed.
CREATE TABLE search_cursors (
    channel_id BLOB NOT NULL PRIMARY KEY,
    rev INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: the next number, and how far messages from before the index are indexed, the newest
-- first; null when all are.
CREATE TABLE search_state (
    id INTEGER NOT NULL PRIMARY KEY,
    next_no INTEGER NOT NULL,
    older_than BLOB,
    older_no INTEGER NOT NULL
) STRICT;

-- Words come divided and folded. What is forgotten is overwritten.
CREATE VIRTUAL TABLE search_words USING fts5 (words, content = '', columnsize = 0, tokenize = "ascii tokenchars '_'");
INSERT INTO search_words (search_words, rank) VALUES ('secure-delete', 1);

INSERT INTO search_cursors (channel_id, rev)
SELECT channels.id, feeds.head FROM channels JOIN feeds ON feeds.id = channels.id;
INSERT INTO search_state (id, next_no, older_than, older_no)
SELECT 1, 4294967296, CASE WHEN EXISTS (SELECT 1 FROM messages) THEN x'ffffffffffffffffffffffffffffffff' END, 4294967296;
