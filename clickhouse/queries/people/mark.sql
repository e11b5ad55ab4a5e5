-- What tells that links or corrections were stored; merging may change it too.
SELECT concat(
    (SELECT toString((max(stored_at), count())) FROM identity_links),
    (SELECT toString((max(changed), count())) FROM identity_corrections)
) AS mark
