-- Small integers stand for:
--   users.kind           0 person, 1 guest, 2 deleted (disabled as well, and nobody's any more)
--   audit_log.result     0 done, 1 refused
--   erasures.messages    0 stay, 1 are erased

ALTER TABLE users ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
-- What the username looks like. Null until a server has computed it, where an older name looks the
-- same, and of deleted accounts.
ALTER TABLE users ADD COLUMN skeleton TEXT;
CREATE UNIQUE INDEX users_skeleton ON users (skeleton);
CREATE INDEX users_admins ON users (id) WHERE role = 1;
CREATE INDEX users_guests ON users (created_at) WHERE kind = 1;

-- Deleted accounts of which something is left to do, and up to where it is done.
CREATE TABLE erasures (
    user_id BLOB NOT NULL PRIMARY KEY,
    messages INTEGER NOT NULL,
    channel_id BLOB,
    seq INTEGER NOT NULL,
    requested_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who did what to whom. Rows are added and never changed, but that the address of somebody who
-- deletes their account is blanked; the database itself refuses anything else.
CREATE TABLE audit_log (
    id BLOB NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    actor_id BLOB,
    action TEXT NOT NULL,
    target_id BLOB,
    address TEXT NOT NULL,
    result INTEGER NOT NULL,
    detail TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_log_actor ON audit_log (actor_id, id);
CREATE INDEX audit_log_target ON audit_log (target_id, id);
CREATE INDEX audit_log_action ON audit_log (action, id);

CREATE TRIGGER audit_log_stays BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_log_is_true BEFORE UPDATE ON audit_log
WHEN NEW.address <> '' OR NEW.id <> OLD.id OR NEW.at <> OLD.at OR NEW.actor_id IS NOT OLD.actor_id
    OR NEW.action <> OLD.action OR NEW.target_id IS NOT OLD.target_id
    OR NEW.result <> OLD.result OR NEW.detail <> OLD.detail
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
