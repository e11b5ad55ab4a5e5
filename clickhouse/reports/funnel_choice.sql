ORDER BY level DESC, times[1] ASC, part ASC
LIMIT 1 BY who
