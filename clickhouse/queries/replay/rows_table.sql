-- The rows that are to stand for the stored ones of the range.
CREATE TABLE {rows:Identifier} AS events
