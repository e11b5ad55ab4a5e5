"""Users as files beside users.xml, for the embedded server, which reads them when it starts.

It knows no settings that may be changed in read-only mode: there none can be.
"""

from collections import defaultdict
from xml.sax.saxutils import escape

from pulse.analyst import rule
from pulse.analyst.rule import ALLOWANCE, Limits
from pulse.analyst.user import PROFILE, ROUTE, User

FOLDER = "users.d"
SHARED = "pulse_analysts.xml"
"""The file of the profile, the quota and the query API's own user."""


def shared(limits: Limits, route: User, database: str, analytics: str) -> str:
    """What all analysts share, and the query API's own user, whose allowance is each site's; a user's is its own, whatever it says."""
    settings = "".join(f"<{name}>{value}</{name}>" for name, value in rule.settings(limits).items())
    quota = (
        "<interval><duration>3600</duration>"
        f"<queries>{ALLOWANCE.questions}</queries><execution_time>{ALLOWANCE.busy_seconds}</execution_time></interval>"
    )
    return _file(
        f"<profiles><{PROFILE}>{settings}</{PROFILE}></profiles>\n"
        f"<quotas><{PROFILE}>{quota}</{PROFILE}><{ROUTE}><keyed/>{quota}</{ROUTE}></quotas>\n"
        f"<users>{_user(route, database, analytics)}</users>"
    )


def alone(user: User, database: str, analytics: str) -> str:
    """One user; the rest is in the file of `shared`."""
    return _file(f"<users>{_user(user, database, analytics)}</users>")


def name_of_file(name: str) -> str:
    """The file of a user."""
    return f"{name}.xml"


def _user(user: User, database: str, analytics: str) -> str:
    rows: dict[str, str] = defaultdict(str)
    for (of, table), condition in rule.conditions(user.value, database, analytics).items():
        rows[of] += f"<{table}><filter>{escape(condition)}</filter></{table}>"
    policies = "".join(f"<{of}>{tables}</{of}>" for of, tables in rows.items())
    queries = "".join(f"<query>GRANT {each}</query>" for each in rule.grants(database, analytics))
    return (
        f"<{user.name}><password_sha256_hex>{user.digest}</password_sha256_hex>"
        "<networks><ip>127.0.0.1</ip><ip>::1</ip></networks>"
        f"<profile>{PROFILE}</profile><quota>{ROUTE if user.name == ROUTE else PROFILE}</quota><default_database>{analytics}</default_database>\n"
        f"<databases>{policies}</databases>\n<grants>{queries}</grants></{user.name}>"
    )


def _file(content: str) -> str:
    return f"<clickhouse>\n{content}\n</clickhouse>\n"
