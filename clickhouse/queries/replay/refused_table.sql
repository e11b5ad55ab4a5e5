-- What today's rules refuse.
CREATE TABLE {refused:Identifier} AS events_rejected
ENGINE = MergeTree
PARTITION BY tuple()
ORDER BY (_partition, _place)
