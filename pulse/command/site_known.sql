-- Whether a site is one, or anything is kept of it; and the sites that there are.
SELECT
    (SELECT count() FROM config WHERE kind = 'site' AND id = {site:String})
        + (SELECT count() FROM (SELECT 1 FROM events WHERE site_id = {site:String} LIMIT 1))
        + (SELECT count() FROM (SELECT 1 FROM metrics_minute WHERE site_id = {site:String} LIMIT 1))
        + (SELECT count() FROM (SELECT 1 FROM ledger_minute WHERE site_id = {site:String} LIMIT 1)) AS known,
    (SELECT arraySort(groupArray(20)(id)) FROM config FINAL WHERE kind = 'site' AND NOT deleted) AS sites
