-- The users of ClickHouse, those of analysts among them.
SELECT name FROM system.users
