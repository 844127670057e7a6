-- Ids are UUIDv7, 16 bytes; times are milliseconds since 1970.
-- Small integers stand for:
--   users.role      0 member, 1 admin
--   channels.kind   0 public, 1 private, 2 direct, 3 group
--   members.role    0 member, 1 owner
--   members.state   0 joined, 1 left, 2 removed
--   messages.kind   0 text

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL,
    email TEXT,
    email_key TEXT,
    display_name TEXT NOT NULL,
    bio TEXT NOT NULL,
    password_hash TEXT,
    role INTEGER NOT NULL,
    disabled_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_username_key ON users (username_key);
CREATE UNIQUE INDEX users_email_key ON users (email_key);

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id),
    user_agent TEXT NOT NULL,
    address TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended_at INTEGER,
    -- Its place in the system feed, once ended.
    rev INTEGER
) STRICT;
CREATE INDEX sessions_live ON sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_rev ON sessions (rev) WHERE rev IS NOT NULL;

-- Every token of a session's family, as hashes: one that comes back after it was used ends the family.
CREATE TABLE refresh_tokens (
    hash BLOB NOT NULL PRIMARY KEY,
    session_id BLOB NOT NULL REFERENCES sessions (id),
    issued_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

CREATE TABLE tickets (
    hash BLOB NOT NULL PRIMARY KEY,
    session_id BLOB NOT NULL REFERENCES sessions (id),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_session ON tickets (session_id);
CREATE INDEX tickets_expires_at ON tickets (expires_at);

-- The heads of all feeds: a channel's id, a user's id, or 16 zero bytes for the system feed. Narrow,
-- and with no index but its key, so that moving a head costs as little as it can.
CREATE TABLE feeds (
    id BLOB NOT NULL PRIMARY KEY,
    head INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_uncounted_seq INTEGER NOT NULL,
    moved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE channels (
    id BLOB NOT NULL PRIMARY KEY,
    kind INTEGER NOT NULL,
    name TEXT,
    name_key TEXT,
    description TEXT NOT NULL,
    owner_id BLOB,
    direct_a BLOB,
    direct_b BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    rev INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX channels_direct ON channels (direct_a, direct_b);
CREATE INDEX channels_public ON channels (name_key, id) WHERE kind = 0 AND deleted_at IS NULL;

CREATE TABLE members (
    channel_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    role INTEGER NOT NULL,
    state INTEGER NOT NULL,
    joined_at INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    user_rev INTEGER NOT NULL,
    read_seq INTEGER NOT NULL,
    PRIMARY KEY (channel_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_rev ON members (channel_id, rev);
CREATE INDEX members_user ON members (user_id, channel_id);
CREATE INDEX members_user_rev ON members (user_id, user_rev);

CREATE TABLE messages (
    id BLOB NOT NULL PRIMARY KEY,
    channel_id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    author_id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    content TEXT NOT NULL,
    reply_to BLOB,
    -- A keyed digest of the request that made it: the same id may come again, another request not.
    digest BLOB NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    edited_at INTEGER,
    deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX messages_seq ON messages (channel_id, seq);
CREATE INDEX messages_rev ON messages (channel_id, rev);
CREATE INDEX messages_uncounted ON messages (channel_id, seq) WHERE deleted_at IS NOT NULL;

INSERT INTO feeds (id, head, last_seq, last_uncounted_seq, moved_at)
VALUES (zeroblob(16), 0, 0, 0, 0);
