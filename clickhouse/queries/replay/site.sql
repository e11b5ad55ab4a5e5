-- Whether there is, or ever was, a site of this id.
SELECT
    (SELECT count() FROM config FINAL WHERE kind = 'site' AND id = {site:String} AND NOT deleted)
    + (SELECT count() FROM (SELECT 1 FROM events WHERE site_id = {site:String} LIMIT 1)) AS known
