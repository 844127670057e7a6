-- Ids are UUIDv7. Keys that are searched by prefix compare by code point, as SQLite compares them.
-- Small integers stand for:
--   users.role      0 member, 1 admin
--   channels.kind   0 public, 1 private, 2 direct, 3 group
--   members.role    0 member, 1 owner
--   members.state   0 joined, 1 left, 2 removed
--   messages.kind   0 text

CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE users (
    id UUID NOT NULL PRIMARY KEY,
    username TEXT NOT NULL,
    username_key TEXT COLLATE "C" NOT NULL,
    email TEXT,
    email_key TEXT COLLATE "C",
    display_name TEXT NOT NULL,
    bio TEXT NOT NULL,
    password_hash TEXT,
    role SMALLINT NOT NULL,
    disabled_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX users_username_key ON users (username_key);
CREATE UNIQUE INDEX users_email_key ON users (email_key);

CREATE TABLE sessions (
    id UUID NOT NULL PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id),
    user_agent TEXT NOT NULL,
    address TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    -- Its place in the system feed, once ended.
    rev BIGINT
);
CREATE INDEX sessions_live ON sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_rev ON sessions (rev) WHERE rev IS NOT NULL;

-- Every token of a session's family, as hashes: one that comes back after it was used ends the family.
CREATE TABLE refresh_tokens (
    hash BYTEA NOT NULL PRIMARY KEY,
    session_id UUID NOT NULL REFERENCES sessions (id),
    issued_at TIMESTAMPTZ NOT NULL,
    used_at TIMESTAMPTZ
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

CREATE TABLE tickets (
    hash BYTEA NOT NULL PRIMARY KEY,
    session_id UUID NOT NULL REFERENCES sessions (id),
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX tickets_session ON tickets (session_id);
CREATE INDEX tickets_expires_at ON tickets (expires_at);

-- The heads of all feeds: a channel's id, a user's id, or the nil UUID for the system feed. Narrow,
-- and with no index but its key, so that moving a head costs as little as it can.
CREATE TABLE feeds (
    id UUID NOT NULL PRIMARY KEY,
    head BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    last_uncounted_seq BIGINT NOT NULL,
    moved_at TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE channels (
    id UUID NOT NULL PRIMARY KEY,
    kind SMALLINT NOT NULL,
    name TEXT,
    name_key TEXT COLLATE "C",
    description TEXT NOT NULL,
    owner_id UUID,
    direct_a UUID,
    direct_b UUID,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    deleted_at TIMESTAMPTZ,
    rev BIGINT NOT NULL
);
CREATE UNIQUE INDEX channels_direct ON channels (direct_a, direct_b);
CREATE INDEX channels_public ON channels (name_key, id) WHERE kind = 0 AND deleted_at IS NULL;

CREATE TABLE members (
    channel_id UUID NOT NULL,
    user_id UUID NOT NULL,
    role SMALLINT NOT NULL,
    state SMALLINT NOT NULL,
    joined_at TIMESTAMPTZ NOT NULL,
    rev BIGINT NOT NULL,
    user_rev BIGINT NOT NULL,
    read_seq BIGINT NOT NULL,
    PRIMARY KEY (channel_id, user_id)
) WITH (fillfactor = 80);
CREATE INDEX members_rev ON members (channel_id, rev);
CREATE INDEX members_user ON members (user_id, channel_id);
CREATE INDEX members_user_rev ON members (user_id, user_rev);

CREATE TABLE messages (
    id UUID NOT NULL PRIMARY KEY,
    channel_id UUID NOT NULL,
    seq BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    author_id UUID NOT NULL,
    kind SMALLINT NOT NULL,
    content TEXT NOT NULL,
    reply_to UUID,
    -- A keyed digest of the request that made it: the same id may come again, another request not.
    digest BYTEA NOT NULL,
    version INTEGER NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    edited_at TIMESTAMPTZ,
    deleted_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX messages_seq ON messages (channel_id, seq);
CREATE INDEX messages_rev ON messages (channel_id, rev);
CREATE INDEX messages_uncounted ON messages (channel_id, seq) WHERE deleted_at IS NOT NULL;

INSERT INTO feeds (id, head, last_seq, last_uncounted_seq, moved_at)
VALUES ('00000000-0000-0000-0000-000000000000', 0, 0, 0, '1970-01-01Z');
