-- How often each event happened on each page, by day of UTC: kept with each part of `events`, so it is whatever these are.
ALTER TABLE events ADD PROJECTION IF NOT EXISTS pages
(
    SELECT site_id, toDate(ts), event, path, count(), countIf(bot)
    GROUP BY site_id, toDate(ts), event, path
);

-- Of what was stored before; meanwhile its events answer.
ALTER TABLE events MATERIALIZE PROJECTION pages;
