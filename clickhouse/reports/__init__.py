"""The reports: one module each with its question, its answer and its .sql files; `scope`, `filter` and `field` are shared."""
