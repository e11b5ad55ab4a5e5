-- On a cluster the tables over all shards are made anew with each change: these two may be inserted through from here on.
ALTER TABLE cohort_members MODIFY COMMENT 'Who was put on the lists of cohorts by hand.';
ALTER TABLE identity_corrections MODIFY COMMENT 'Which of those who were named do not count.';
