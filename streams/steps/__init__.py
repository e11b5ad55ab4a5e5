"""The steps of refinement, each a small function over one event: `put_*` enriches, `drop_*` refuses, `hide_*` takes away."""
