"""The dictionary of people: who is behind each visitor who was identified, held in memory by every server.

ClickHouse reads it with the account that Pulse itself has, so it is made anew with each migration, for the account may change.
"""

from collections.abc import Sequence
from pathlib import Path
from string import Template

from clickhouse.client import Client
from pulse.analyst.rule import analytics_of

NAME = "people"
OF_SITE = "\0"
"""The visitor that none can be, under which stands of which people a site is."""
STATEMENT = Path(__file__).with_suffix(".sql")


def make(client: Client, cluster: str = "") -> None:
    """Make the dictionary, on all servers of a cluster if one is named. Raises Unavailable, and QueryError where it cannot be read."""
    client.command(statement(client.account, client.database, cluster))
    state(client, "")


def statement(account: tuple[str, str], database: str, cluster: str = "") -> str:
    """What makes it, for an account: a user and a password."""
    text = Template(STATEMENT.read_text(encoding="utf-8")).substitute(
        user=_quoted(account[0]),
        password=_quoted(account[1]),
        analytics=analytics_of(database),
        database=database,
    )
    head = f"CREATE OR REPLACE DICTIONARY {NAME}"
    return text.replace(head, f"{head} ON CLUSTER {cluster}", 1) if cluster else text


def dictionary_of(database: str) -> str:
    """The dictionary's name as statements call it: the shards of a cluster know it by no shorter one."""
    return f"{database}.{NAME}"


def state(client: Client, site_id: str) -> str:
    """Of which people a site is: another text when they change, empty if nobody was identified. Raises as `query` does."""
    return states(client, [site_id])[0]


def states(client: Client, sites: Sequence[str]) -> list[str]:
    """The same of several sites, in their order."""
    [[found]] = client.query("people/states", _asked(client, sites)).rows
    return [str(each) for each in found]


def looked(client: Client, sites: Sequence[str]) -> tuple[str, list[str]]:
    """A text that is another one whenever something was stored that the dictionary is made of; and the sites' states."""
    [[mark, found]] = client.query("people/looked", _asked(client, sites)).rows
    return str(mark), [str(each) for each in found]


def _asked(client: Client, sites: Sequence[str]) -> dict[str, object]:
    return {"people": dictionary_of(client.database), "sites": list(sites), "of_site": OF_SITE}


def reload(client: Client) -> None:
    """Read it anew, on the server that is asked. Raises as `query` does."""
    client.command(f"SYSTEM RELOAD DICTIONARY {NAME}")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
