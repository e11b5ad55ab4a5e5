"""Summaries of a site, minute by minute, hour by hour, day by day: their periods and what is told of them."""
