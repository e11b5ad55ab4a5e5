"""`pulse.config` → `config`: what the control plane keeps, each record as last saved."""

from typing import NamedTuple

import pyarrow as pa


class Saved(NamedTuple):
    """A record of the control plane under its key, `kind:id`; without a value it has been deleted."""

    key: bytes
    value: bytes | None


def rows_of(saved: list[Saved]) -> pa.Table:
    """The rows of `config`, the last of each key."""
    last = {each.key.decode(errors="replace"): each.value for each in saved}
    names = [key.partition(":") for key in last]
    return pa.table(
        {
            "kind": pa.array([kind for kind, _, _ in names], pa.string()),
            "id": pa.array([id for _, _, id in names], pa.string()),
            "value": pa.array([(value or b"").decode(errors="replace") for value in last.values()], pa.string()),
            "deleted": pa.array([not value for value in last.values()], pa.bool_()),
        }
    )
