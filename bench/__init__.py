"""Measurements: `python -m bench`.

A measurement is a module of its own. They share `stack` (the whole product, as many processes as asked for), `load` (the load
generator), `probe` (single events followed hop by hop), `sampling` and `hops` (CPU, memory, rows, lag each second), `drive` (all
of these together: a run), `outcome` and `figures` (what came of a run), `exactness` (the proof that what was answered 202 is
stored once) and `evidence` (what is left behind).
"""
