-- Which of some settings of tables the server has.
SELECT name
FROM system.merge_tree_settings
WHERE name IN {names:Array(String)}
