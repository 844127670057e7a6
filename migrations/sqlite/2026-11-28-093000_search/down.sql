DROP TABLE search_words;
DROP TABLE search_state;
DROP TABLE search_cursors;
DROP TABLE search_chunks;
DROP TABLE search_entries;
