"""Alert rules and their evaluation: pure arithmetic over the minute aggregates of a site."""
