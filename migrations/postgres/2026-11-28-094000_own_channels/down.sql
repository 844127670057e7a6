DROP INDEX members_user;
CREATE INDEX members_user ON members (user_id, channel_id);
