"""Users as statements, for a server that keeps users itself."""

from collections.abc import Mapping

from pulse.analyst import rule
from pulse.analyst.rule import ALLOWANCE, Limits
from pulse.analyst.user import PROFILE, ROUTE, User

EVERYONE = "pulse_everyone"
"""The policy by which everybody else goes on seeing all rows, whatever the server does with users that have none."""


def profile(limits: Limits) -> str:
    """The settings of all analysts."""
    fixed, free = rule.settings(limits), rule.changeable(limits)
    said = [f"{name} = {value}{_bounds(free, name)}" for name, value in fixed.items()]
    said += [f"{name}{_bounds(free, name)}" for name in free if name not in fixed]
    return f"CREATE SETTINGS PROFILE OR REPLACE `{PROFILE}` SETTINGS {', '.join(said)}"


def created(user: User, database: str, analytics: str) -> list[str]:
    """Make a user, or change it to what it should be. It may read nothing before its policies are there."""
    name = f"`{user.name}`"
    rows = rule.conditions(user.value, database, analytics)
    keys = "client_key, user_name" if user.name == ROUTE else "user_name"
    return [
        f"CREATE USER OR REPLACE {name} IDENTIFIED WITH sha256_hash BY '{user.digest}'"
        f" DEFAULT DATABASE {analytics} SETTINGS PROFILE `{PROFILE}`",
        f"CREATE QUOTA OR REPLACE {name} KEYED BY {keys} FOR INTERVAL 1 hour"
        f" MAX queries = {ALLOWANCE.questions}, execution_time = {ALLOWANCE.busy_seconds} TO {name}",
        *(f"CREATE ROW POLICY IF NOT EXISTS {EVERYONE} ON {of}.{table} USING 1 TO ALL" for of, table in rows),
        *(
            f"CREATE ROW POLICY OR REPLACE {name} ON {of}.{table} USING {condition} AS RESTRICTIVE TO {name}"
            for (of, table), condition in rows.items()
        ),
        *(f"GRANT {each} TO {name}" for each in rule.grants(database, analytics)),
    ]


def dropped(name: str, database: str, analytics: str) -> list[str]:
    """Take a user away, and what is its alone."""
    tables = rule.conditions("''", database, analytics)
    return [
        f"DROP USER IF EXISTS `{name}`",
        f"DROP QUOTA IF EXISTS `{name}`",
        *(f"DROP ROW POLICY IF EXISTS `{name}` ON {of}.{table}" for of, table in tables),
    ]


def _bounds(free: Mapping[str, tuple[int, int] | None], name: str) -> str:
    if name not in free:
        return " CONST"
    between = free[name]
    return f"{f' MIN {between[0]} MAX {between[1]}' if between else ''} CHANGEABLE_IN_READONLY"
