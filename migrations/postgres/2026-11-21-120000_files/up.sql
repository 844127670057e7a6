-- Small integers stand for:
--   files.state     0 uploading, 1 complete
--   files.thumbnail 0 none, 1 there
--   messages.kind   1 file: it has attachments

-- What people have sent beside text. The bytes are in the storage, named by the id: a row comes
-- before its object, and goes after it, so that an object without a row is nobody's.
CREATE TABLE files (
    id UUID NOT NULL PRIMARY KEY,
    owner_id UUID NOT NULL,
    name TEXT NOT NULL,
    size BIGINT NOT NULL,
    content_type TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    width INTEGER,
    height INTEGER,
    thumbnail SMALLINT NOT NULL,
    state SMALLINT NOT NULL,
    message_id UUID,
    -- Its place among the attachments of its message.
    position SMALLINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    deleted_at TIMESTAMPTZ
);
CREATE INDEX files_owner ON files (owner_id, size) WHERE deleted_at IS NULL;
CREATE INDEX files_message ON files (message_id, position) WHERE message_id IS NOT NULL;
CREATE INDEX files_unattached ON files (created_at) WHERE message_id IS NULL AND deleted_at IS NULL;
CREATE INDEX files_deleted ON files (deleted_at) WHERE deleted_at IS NOT NULL;
