-- Whether what is asked of some tables is asked of other servers, whose moments are others.
SELECT count() > 0 AS is_shared_out FROM system.tables WHERE database = {database:String} AND name IN ('events', 'activity') AND engine = 'Distributed'
