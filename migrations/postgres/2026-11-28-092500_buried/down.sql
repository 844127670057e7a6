-- What is still to be removed is of deleted messages.
DELETE FROM reactions WHERE message_id IN (SELECT message_id FROM buried);
DELETE FROM reaction_counts WHERE message_id IN (SELECT message_id FROM buried);
DROP TABLE buried;
