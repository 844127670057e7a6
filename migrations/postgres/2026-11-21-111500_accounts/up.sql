-- Small integers stand for:
--   users.kind           0 person, 1 guest, 2 deleted (disabled as well, and nobody's any more)
--   audit_log.result     0 done, 1 refused
--   erasures.messages    0 stay, 1 are erased

ALTER TABLE users ADD COLUMN kind SMALLINT NOT NULL DEFAULT 0;
-- What the username looks like. Null until a server has computed it, where an older name looks the
-- same, and of deleted accounts.
ALTER TABLE users ADD COLUMN skeleton TEXT COLLATE "C";
CREATE UNIQUE INDEX users_skeleton ON users (skeleton);
CREATE INDEX users_admins ON users (id) WHERE role = 1;
CREATE INDEX users_guests ON users (created_at) WHERE kind = 1;

-- Deleted accounts of which something is left to do, and up to where it is done.
CREATE TABLE erasures (
    user_id UUID NOT NULL PRIMARY KEY,
    messages SMALLINT NOT NULL,
    channel_id UUID,
    seq BIGINT NOT NULL,
    requested_at TIMESTAMPTZ NOT NULL
);

-- Who did what to whom. Rows are added and never changed, but that the address of somebody who
-- deletes their account is blanked; the database itself refuses anything else.
CREATE TABLE audit_log (
    id UUID NOT NULL PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL,
    actor_id UUID,
    action TEXT COLLATE "C" NOT NULL,
    target_id UUID,
    address TEXT NOT NULL,
    result SMALLINT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_log_actor ON audit_log (actor_id, id);
CREATE INDEX audit_log_target ON audit_log (target_id, id);
CREATE INDEX audit_log_action ON audit_log (action, id);

CREATE FUNCTION audit_log_refuses() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
CREATE TRIGGER audit_log_stays BEFORE DELETE OR TRUNCATE ON audit_log
FOR EACH STATEMENT EXECUTE FUNCTION audit_log_refuses();
CREATE TRIGGER audit_log_is_true BEFORE UPDATE ON audit_log FOR EACH ROW
WHEN (NEW.address <> '' OR NEW.id <> OLD.id OR NEW.at <> OLD.at
    OR NEW.actor_id IS DISTINCT FROM OLD.actor_id OR NEW.action <> OLD.action
    OR NEW.target_id IS DISTINCT FROM OLD.target_id OR NEW.result <> OLD.result
    OR NEW.detail <> OLD.detail)
EXECUTE FUNCTION audit_log_refuses();
