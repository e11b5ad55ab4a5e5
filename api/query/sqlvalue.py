"""Values of a statement's parameters, as ClickHouse reads them: escaped as in its TabSeparated format."""

from collections.abc import Mapping

Scalar = str | int | float | bool | None
Value = Scalar | list[Scalar]

ESCAPED: Mapping[int, str] = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"})


def written(value: Value) -> str:
    """A value of a parameter."""
    if isinstance(value, list):
        return f"[{','.join(_element(each) for each in value)}]"
    return "\\N" if value is None else _plain(value).translate(ESCAPED)


def _plain(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _element(value: Scalar) -> str:
    if isinstance(value, str):
        quoted = value.translate(ESCAPED).replace("'", "\\'")
        return f"'{quoted}'"
    return "NULL" if value is None else _plain(value)
