SELECT DISTINCT member AS who
FROM $source
