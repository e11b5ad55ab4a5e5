"""Formulas over metrics, such as `events / users`: read once, then computed, or told in SQL."""

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pulse.errors import QueryError

LONGEST = 500
DEEPEST = 40
OPERATORS: Mapping[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}

Value = int | float | Decimal | str | None


@dataclass(frozen=True)
class Named:
    """The value of a metric."""

    name: str


@dataclass(frozen=True)
class Pair:
    """Two values joined by one of + - * /."""

    operator: str
    left: "Tree"
    right: "Tree"


Tree = Named | Pair | float


@dataclass(frozen=True)
class Formula:
    """A formula under its name."""

    name: str
    tree: Tree


def formula_of(name: str, text: str, names: frozenset[str], where: str) -> Formula:
    """Read a formula; raises QueryError that says `where` it stands if it is none or names what is not in `names`.

    A metric whose name is no word stands in quotes: `"sum:properties.price" / users`.
    """
    if len(text) > LONGEST:
        raise QueryError(f"{where}: is longer than {LONGEST} characters")
    try:
        read = ast.parse(text.strip(), mode="eval").body
        return Formula(name, _tree(read, names, where, DEEPEST))
    except (SyntaxError, ValueError, ArithmeticError, MemoryError, RecursionError):
        raise QueryError(f"{where}: {text!r} is no formula such as events / users") from None


def computed(tree: Tree, values: Mapping[str, Value]) -> float | None:
    """The value of a formula; None where a metric has none, or something is divided by zero."""
    try:
        found = _computed(tree, values)
    except OverflowError:
        return None
    return found if found is not None and math.isfinite(found) else None


def sql_of(tree: Tree, columns: Mapping[str, str]) -> str:
    """A formula as an expression over columns; NULL where it has no value."""
    if isinstance(tree, float):
        return f"toFloat64({tree!r})"
    if isinstance(tree, Named):
        return f"toFloat64({columns[tree.name]})"
    left, right = sql_of(tree.left, columns), sql_of(tree.right, columns)
    return f"({left} {tree.operator} {f'nullIf({right}, 0)' if tree.operator == '/' else right})"


def _tree(read: ast.expr, names: frozenset[str], where: str, levels: int) -> Tree:
    if not levels:
        raise QueryError(f"{where}: is nested more than {DEEPEST} levels deep")
    match read:
        case ast.Constant(value=str(name)) | ast.Name(id=name):
            if name not in names:
                raise QueryError(f"{where}: {name} is none of the metrics that are asked for")
            return Named(name)
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Pair("-", 0.0, _tree(operand, names, where, levels - 1))
        case ast.BinOp(op=op, left=left, right=right) if type(op) in OPERATORS:
            pair = (_tree(side, names, where, levels - 1) for side in (left, right))
            return Pair(OPERATORS[type(op)], *pair)
    raise QueryError(f"{where}: takes numbers, metrics, + - * / and parentheses alone")


def _computed(tree: Tree, values: Mapping[str, Value]) -> float | None:
    if isinstance(tree, float):
        return tree
    if isinstance(tree, Named):
        value = values[tree.name]
        return None if value is None else float(value)
    left, right = _computed(tree.left, values), _computed(tree.right, values)
    if left is None or right is None or (tree.operator == "/" and right == 0):
        return None
    return _joined(tree.operator, left, right)


def _joined(operator: str, left: float, right: float) -> float:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    return left * right if operator == "*" else left / right
