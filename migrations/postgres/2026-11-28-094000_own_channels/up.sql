-- The list of one's channels goes down this index, without a look at the rows.
DROP INDEX members_user;
CREATE INDEX members_user ON members (user_id, state, channel_id);
