UPDATE files SET deleted_at = created_at WHERE avatar = 1 AND deleted_at IS NULL;
ALTER TABLE files DROP COLUMN avatar;
ALTER TABLE users DROP COLUMN avatar_id;
