"""The Faust app: refine (raw events to events) and rollup (events to minute aggregates)."""
