"""The query API: statistics, sites and keys."""
