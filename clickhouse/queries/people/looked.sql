-- What tells that links or corrections were stored (merging may change it too), and of which people each site is.
SELECT
    concat(
        (SELECT toString((max(stored_at), count())) FROM identity_links),
        (SELECT toString((max(changed), count())) FROM identity_corrections)
    ) AS mark,
    arrayMap(site -> dictGetOrDefault({people:String}, 'user_id', (site, {of_site:String}), ''), {sites:Array(String)}) AS states
