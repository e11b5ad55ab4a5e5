-- What is known of a replay: the last line counts.
CREATE TABLE {about:Identifier}
(
    value String COMMENT 'What is known, as JSON.',
    at    DateTime64(9, 'UTC') DEFAULT now64(9) COMMENT 'When it was written.'
)
ENGINE = MergeTree
ORDER BY at
COMMENT 'What is known of a replay.'
