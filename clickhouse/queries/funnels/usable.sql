-- The build whose rows answer for these steps: all that was stored is in it, and a view writes what comes.
SELECT build
FROM funnel_builds FINAL
WHERE site_id = {site:String} AND print = {print:String} AND state = 'ready'
    AND arrayExists(
        builds -> has(splitByChar(' ', builds), toString(build)),
        (
            SELECT groupArray(comment)
            FROM system.tables
            WHERE database = currentDatabase() AND startsWith(name, 'funnel_view_')
        )
    )
LIMIT 1
