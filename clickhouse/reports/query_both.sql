SELECT *
FROM ($events) AS counted
INNER JOIN ($sessions) AS told USING ($keys past, timed, keyed, time)
