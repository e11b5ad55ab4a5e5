-- Whether an expression can be asked of an event at all: of one of which nothing is known.
SELECT $fits AS fits
FROM (SELECT 1 AS one) AS one
LEFT JOIN (SELECT *, 1 AS one FROM events LIMIT 0) AS events USING (one)
