"""`pulse.alerts` → `alert_history`: what alert rules told. Other notices are not kept there."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa

from pulse.event import MAX_MS
from pulse.notice import Notice

KIND = "alert."


def notices_of(values: Sequence[bytes]) -> list[Notice]:
    """The notices of alert rules among some records; what is none is passed over."""
    return [notice for value in values if (notice := _read(value)) is not None]


def rows_of(notices: Sequence[Notice]) -> pa.Table:
    """The rows of `alert_history`, the last of each id."""
    last = list({(notice.site_id, notice.id): notice for notice in notices}.values())
    data = [notice.data for notice in last]
    windows = [_part(each, "window") for each in data]
    expected = [_part(each, "expected") for each in data]
    texts = {name: pa.array([_text(each.get(name)) for each in data]) for name in ("rule_id", "rule", "severity")}
    return pa.table(
        {
            "site_id": pa.array([notice.site_id for notice in last]),
            "id": pa.array([notice.id for notice in last]),
            "at": pa.array([_ms(notice.at) for notice in last], pa.timestamp("ms", "UTC")),
            "kind": pa.array([notice.kind.removeprefix(KIND) for notice in last]),
            **texts,
            "group": pa.array([_text(each.get("group")) for each in data]),
            "value": _numbers(data, "value"),
            "low": _numbers(expected, "low"),
            "high": _numbers(expected, "high"),
            "window_start": _moments(windows, "start"),
            "window_end": _moments(windows, "end"),
            "reason": pa.array([_text(each.get("reason")) for each in data]),
            "test": pa.array([each.get("test") is True for each in data]),
        }
    )


def _read(value: bytes) -> Notice | None:
    try:
        notice = msgspec.json.decode(value, type=Notice)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return notice if notice.kind.startswith(KIND) else None


def _part(data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _ms(value: Any) -> int:
    return min(max(value, 0), MAX_MS) if isinstance(value, int) else 0


def _numbers(parts: Sequence[dict[str, Any]], name: str) -> pa.Array:
    found = [part.get(name) for part in parts]
    return pa.array([float(v) if isinstance(v, int | float) else None for v in found], pa.float64())


def _moments(parts: Sequence[dict[str, Any]], name: str) -> pa.Array:
    return pa.array([_ms(part.get(name)) // 1000 for part in parts], pa.timestamp("s", "UTC"))
