SELECT *
FROM ($events) AS counted
INNER JOIN ($sessions) AS told USING (past, timed, keyed, time $keys)
