DROP TABLE reactions;
DROP TABLE reaction_counts;
