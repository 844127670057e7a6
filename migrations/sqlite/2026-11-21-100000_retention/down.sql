DROP INDEX sessions_expires_at;
DROP INDEX sessions_ended_at;
DROP TABLE horizons;
DROP INDEX channels_members_due;
DROP INDEX channels_messages_due;
ALTER TABLE channels DROP COLUMN members_purged_at;
ALTER TABLE channels DROP COLUMN messages_purged_at;
