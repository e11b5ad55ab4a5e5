"""The tables of a replay: what today's rules make of a range, beside what is stored."""
