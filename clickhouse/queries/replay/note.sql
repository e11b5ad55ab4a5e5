-- Write down what is known of a replay.
INSERT INTO {about:Identifier} (value) SELECT {value:String}
