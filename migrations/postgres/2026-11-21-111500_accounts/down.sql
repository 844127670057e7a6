DROP TABLE audit_log;
DROP FUNCTION audit_log_refuses;
DROP TABLE erasures;
DROP INDEX users_guests;
DROP INDEX users_admins;
DROP INDEX users_skeleton;
ALTER TABLE users DROP COLUMN skeleton;
ALTER TABLE users DROP COLUMN kind;
