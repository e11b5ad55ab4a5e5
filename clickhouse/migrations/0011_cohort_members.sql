-- The lists of cohorts that are kept by hand: the last word on each member.
CREATE TABLE IF NOT EXISTS cohort_members
(
    site_id LowCardinality(String) COMMENT 'The site.',
    cohort  String COMMENT 'The cohort''s id.',
    who     String COMMENT 'The member: a visitor''s id; in a cohort of users u and the user''s id, or v and the visitor''s.',
    listed  Bool COMMENT 'Whether they are on the list.',
    changed DateTime64(3, 'UTC') COMMENT 'When this was said.'
)
ENGINE = ReplacingMergeTree(changed)
ORDER BY (site_id, cohort, who)
COMMENT 'Who was put on the lists of cohorts by hand.';
