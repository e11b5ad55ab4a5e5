-- A funnel by the rows of a saved one, and whether that is still the one whose rows answer: a build that was ready once stays so until
-- another takes its place.
SELECT told.*, ($usable) = {build:UInt64} AS is_usable
FROM ($asked) AS told
