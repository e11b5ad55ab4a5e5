-- Sessions of a site, told by putting each of its events in order.
SELECT uniqExact(session)
FROM $rows
