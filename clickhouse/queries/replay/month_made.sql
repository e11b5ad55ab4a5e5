-- The rows of a month that a replay made.
INSERT INTO {month_table:Identifier}
SELECT *
FROM {rows:Identifier}
WHERE toYYYYMM(ts) = {month:UInt32}
