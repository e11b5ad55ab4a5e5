"""The Faust app: refine (raw events to events) and rollup (events to minute aggregates)."""

from pulse import loading

loading.begin()
