"""A statement from its .sql file: `$name` stands for an expression that was made here, `{name:Type}` for a bound parameter."""

from functools import cache
from pathlib import Path
from string import Template

HERE = Path(__file__).parent


@cache
def _template(name: str) -> Template:
    return Template((HERE / f"{name}.sql").read_text(encoding="utf-8"))


def text_of(name: str, **expressions: str) -> str:
    """The statement in a report's file, its expressions put in. Raises KeyError if one is not given."""
    return _template(name).substitute(expressions)


def hash_of(value: str) -> str:
    """The expression for 80 bits of a text's hash: by it texts are told apart where they are sorted. Never 0 but for one in 2^80."""
    return f"toUInt128(bitShiftRight(reinterpretAsUInt128(sipHash128({value})), 48))"
