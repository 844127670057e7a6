DROP TABLE statuses;
ALTER TABLE members DROP COLUMN delivered_seq;
ALTER TABLE members DROP COLUMN seen_seq;
