-- Put these rows among those of a replay.
INSERT INTO {rows:Identifier} SELECT * FROM {made:Identifier}
