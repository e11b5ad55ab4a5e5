"""Organisations, sites and keys: kept in a relational database, made known to all by `pulse.config`."""
