"""The load generator: a process of its own, whose CPU is told apart, and whose events are all different."""
