-- Small integers stand for:
--   channels.posting    0 everyone, 1 moderators
--   members.role        2 moderator
--   members.state       3 banned, 4 unbanned
--   invitations.kind    as channels.kind
--   invitations.state   0 pending, 1 accepted, 2 declined, 3 withdrawn

ALTER TABLE channels ADD COLUMN topic TEXT NOT NULL DEFAULT '';
ALTER TABLE channels ADD COLUMN posting SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE channels ADD COLUMN slow_mode_seconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE channels ADD COLUMN archived_at TIMESTAMPTZ;

-- The channel's rev at which somebody last came in; 0 of those who did before this was noted.
ALTER TABLE members ADD COLUMN joined_rev BIGINT NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN muted_until TIMESTAMPTZ;
ALTER TABLE members ADD COLUMN banned_until TIMESTAMPTZ;
-- When somebody last spoke in slow mode; not written without it.
ALTER TABLE members ADD COLUMN said_at TIMESTAMPTZ;

-- What only moderators see of a ban. That somebody is banned stands in members.
CREATE TABLE bans (
    channel_id UUID NOT NULL,
    user_id UUID NOT NULL,
    reason TEXT NOT NULL,
    by_id UUID NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ,
    PRIMARY KEY (channel_id, user_id)
);
CREATE INDEX bans_user ON bans (user_id);

-- Links into channels. Of a code only its SHA-256 is kept.
CREATE TABLE invites (
    id UUID NOT NULL PRIMARY KEY,
    channel_id UUID NOT NULL,
    hash BYTEA NOT NULL,
    by_id UUID NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ,
    max_uses INTEGER,
    uses INTEGER NOT NULL
);
CREATE UNIQUE INDEX invites_hash ON invites (hash);
CREATE INDEX invites_channel ON invites (channel_id, id);

-- Who was asked to come in. Answered ones stay: a person's own feed tells of them.
CREATE TABLE invitations (
    channel_id UUID NOT NULL,
    user_id UUID NOT NULL,
    kind SMALLINT NOT NULL,
    name TEXT,
    by_id UUID NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    state SMALLINT NOT NULL,
    user_rev BIGINT NOT NULL,
    PRIMARY KEY (channel_id, user_id)
);
CREATE INDEX invitations_user_rev ON invitations (user_id, user_rev);
