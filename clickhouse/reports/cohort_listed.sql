(
    SELECT $named AS member
    FROM cohort_members
    WHERE site_id = $site AND cohort = $cohort
    GROUP BY site_id, who
    HAVING argMax(listed, changed)
)
