"""Evaluation of alert rules on the minute aggregates as they come.

A loop over a confluent-kafka consumer of its own, as the sink's is, and no Faust agent: its state must be read back
before the first record is, its watermark moves with the clock while no record comes, and what it has told must be in
the log before an offset is committed. Each of these is a few lines in a loop that one owns.
"""
