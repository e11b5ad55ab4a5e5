"""Scores of what a device is: evidence in, a verdict out. Pure arithmetic; docs/risk.md says what the scores mean."""
