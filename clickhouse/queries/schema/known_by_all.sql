-- Which of some settings of tables all servers of a cluster have.
SELECT name
FROM clusterAllReplicas({cluster:String}, system.merge_tree_settings)
WHERE name IN {names:Array(String)}
GROUP BY name
HAVING count() = (SELECT count() FROM system.clusters WHERE cluster = {cluster:String})
