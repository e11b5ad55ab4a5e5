-- Rows of a replay that are to be judged: of events as they were made, or added ones.
CREATE TABLE {table:Identifier} AS events
ENGINE = MergeTree
PARTITION BY tuple()
ORDER BY (_partition, _place)
