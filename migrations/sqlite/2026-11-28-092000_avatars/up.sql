-- Small integers stand for:
--   files.avatar    0 a file that somebody sends, 1 an image of somebody

-- The image of a person, made anew from what they sent: a file that no message can take up.
ALTER TABLE users ADD COLUMN avatar_id BLOB;
ALTER TABLE files ADD COLUMN avatar INTEGER NOT NULL DEFAULT 0;
