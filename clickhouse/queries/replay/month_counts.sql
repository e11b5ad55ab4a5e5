-- How many rows of a month there are, and how many would be.
SELECT
    (SELECT count() FROM events WHERE toYYYYMM(ts) = {month:UInt32}) AS there,
    (SELECT count() FROM {month_table:Identifier}) AS here
