"""Whether every view has what it would have if it were made anew from the events."""

from collections.abc import Iterator

from tests.exact import Store

WITNESS = "witness"
VIEWS = f"""
SELECT name, replaceRegexpOne(create_table_query, '^.*? TO [^.]+\\\\.`?([a-z_]+)`? .*$', '\\\\1'), as_select
FROM system.tables
WHERE database = currentDatabase() AND engine = 'MaterializedView' AND name != '{WITNESS}'
ORDER BY name
FORMAT TSVRaw
"""
COLUMNS = "SELECT name, startsWith(type, 'AggregateFunction') FROM system.columns WHERE database = currentDatabase() AND table = '{}'"
PASSING = frozenset({"stored_at"})
"""Columns that tell when rows were written."""
UNSURE = """
SELECT site_id, quarter, groupBitOr(bitShiftLeft(toUInt128(1), day - 1)) AS unsure
FROM
(
    SELECT site_id, quarter, day
    FROM
    (
        SELECT site_id, toStartOfQuarter(toDate(ts)) AS quarter, toUInt8(toDate(ts) - quarter + 1) AS day, 1 AS n FROM events
        UNION ALL
        SELECT site_id, quarter, day, -events AS n FROM activity WHERE day > 0
    )
    GROUP BY ALL
    HAVING sum(n) != 0
)
GROUP BY ALL
"""
TRUSTED = f"""
(
    SELECT * EXCEPT unsure REPLACE (bitAnd(days, bitNot(unsure)) AS days)
    FROM {{}} AS kept FINAL LEFT JOIN ({UNSURE}) AS doubt USING (site_id, quarter)
    WHERE day = 0 AND (kept.days = 0 OR bitAnd(kept.days, bitNot(unsure)) != 0)
)
"""
"""Rows of `activity` with a day say on which days its other rows can be trusted: the answers about others come from the events."""


def differing(store: Store) -> dict[str, int]:
    """The views of which rows differ, and how many: rows that only one side has, counted on both."""
    return {view: rows for view, rows in _differences(store) if rows}


def _differences(store: Store) -> Iterator[tuple[str, int]]:
    for view, target, select in store.rows(VIEWS):
        made = f"made_of_{view}"
        store.rows(f"CREATE TABLE {made} AS {target}")
        columns = ", ".join(row[0] for row in store.rows(f"DESCRIBE ({select})"))
        store.rows(f"INSERT INTO {made} ({columns}) {select} SETTINGS max_partitions_per_insert_block = 0")
        kept, counted = (_told(store, table, target) for table in (target, made))
        yield view, store.number(f"SELECT count() FROM (({kept} EXCEPT {counted}) UNION ALL ({counted} EXCEPT {kept}))")
        store.rows(f"DROP TABLE {made} SYNC")


def _told(store: Store, table: str, target: str) -> str:
    """The rows of a table, merged, its states as numbers."""
    columns = [(name, state == "1") for name, state in store.rows(COLUMNS.format(target)) if name not in PASSING]
    told = ", ".join(f"finalizeAggregation({name})" if state else name for name, state in columns)
    return f"SELECT {told} FROM {TRUSTED.format(table) if target == 'activity' else f'{table} FINAL'}"
