-- Deleted messages to which people had reacted: the reactions, which nobody sees any more, leave in
-- pieces.
CREATE TABLE buried (
    message_id BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
