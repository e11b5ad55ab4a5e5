"""The backing services as plain processes of this machine, for where there is no Docker."""
