-- What is dead leaves the database in pieces. A deleted channel's row stays, and says what of it
-- has gone; the indexes hold only those of which something is left.
ALTER TABLE channels ADD COLUMN messages_purged_at INTEGER;
ALTER TABLE channels ADD COLUMN members_purged_at INTEGER;
CREATE INDEX channels_messages_due ON channels (deleted_at) WHERE deleted_at IS NOT NULL AND messages_purged_at IS NULL;
CREATE INDEX channels_members_due ON channels (deleted_at) WHERE deleted_at IS NOT NULL AND members_purged_at IS NULL;

-- Feeds that have lost rows, and the last rev of one: whoever is behind it begins anew.
CREATE TABLE horizons (
    feed_id BLOB NOT NULL PRIMARY KEY,
    rev INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_ended_at ON sessions (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_expires_at ON sessions (expires_at) WHERE ended_at IS NULL;
