-- Say what is known of a saved funnel's rows, unless something else has been said since about another build.
INSERT INTO funnel_builds (site_id, id, build, fits, bound, print, state)
SELECT {site:String}, {id:String}, {build:UInt64}, {fits:String}, {bound:String}, {print:String}, {state:String}
WHERE {instead:UInt64} = 0
    OR {instead:UInt64} = (SELECT build FROM funnel_builds FINAL WHERE site_id = {site:String} AND id = {id:String} AND state != 'gone')
