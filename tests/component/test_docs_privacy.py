"""What docs/privacy.md says of forgetting somebody does it, and leaves everybody else."""

import re
from pathlib import Path

from clickhouse import claims
from clickhouse.client import Client
from clickhouse.reports import cohort_people
from tests.reports.events import BEGIN, Event, fill

PAGE = Path(__file__).parents[2] / "docs" / "privacy.md"
TABLES = ("fingerprints", "events", "identity_links", "identity_corrections", "cohort_members")


def _statements() -> list[str]:
    [block] = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [each for line in block.split(";\n") if (each := line.strip())]


def _event(number: int, visitor: str, user: str = "", site: str = "main", event: str = "page_view") -> Event:
    return Event(
        site_id=site, event=event, ts=BEGIN + number, event_id=f"{number:032x}", visitor_id=visitor, user_id=user
    )


def test_who_is_forgotten_is_nowhere_and_the_others_are_where_they_were(migrated: Client) -> None:
    theirs = [_event(1, "v-81"), _event(2, "v-81", "ada", event="identify"), _event(3, "v-7", "ada")]
    migrated.command(
        "INSERT INTO fingerprints (site_id, fingerprint_id) VALUES ('main', 'theirs'), ('main', 'another')"
    )
    others = [_event(4, "v-82", "bob", event="identify"), _event(5, "v-81", site="other")]
    fill(migrated, theirs + others)
    cohort_people.put(migrated, "main", "c", ["v-81", "v-82"], listed=True, now=BEGIN)
    for visitor, person in (("v-81", "ada"), ("v-82", "bob")):
        claims.correct(migrated, "main", visitor, person, unlinked=True, now=BEGIN)
    migrated.command("ALTER TABLE events UPDATE fingerprint_id = 'theirs' WHERE user_id = 'ada'", mutations_sync=2)
    for statement in _statements():
        migrated.command(statement, mutations_sync=2)
    left = {table: _count(migrated, table) for table in TABLES}
    assert left == {"fingerprints": 1, "events": 2, "identity_links": 1, "identity_corrections": 1, "cohort_members": 1}
    assert _count(migrated, "activity", "visitor_id IN ('v-82', 'v-81') AND day = 0") == 4, (
        "bob's, and those of the other site"
    )
    assert _count(migrated, "activity", "site_id = 'main' AND visitor_id IN ('v-81', 'v-7')") == 0
    assert _count(migrated, "events", "site_id = 'main' AND (visitor_id = 'v-81' OR user_id = 'ada')") == 0


def _count(client: Client, table: str, condition: str = "1") -> int:
    return int(str(client.command(f"SELECT count() FROM {table} WHERE {condition}")))


def test_devices_that_were_seen_of_late_stay_whatever_is_not_merged_yet(migrated: Client) -> None:
    [statement] = re.findall(r"`(ALTER TABLE fingerprints DELETE[^`]*)`", PAGE.read_text(encoding="utf-8"))
    migrated.command("SYSTEM STOP MERGES fingerprints")
    for device, days in (("both", 500), ("both", 1), ("old", 500), ("new", 1)):
        migrated.command(
            "INSERT INTO fingerprints (site_id, fingerprint_id, last_seen)"
            " SELECT 'main', {device:String}, now() - toIntervalDay({days:UInt32})",
            {"device": device, "days": days},
        )
    migrated.command("SYSTEM START MERGES fingerprints")
    migrated.command(statement, mutations_sync=2)
    assert _count(migrated, "fingerprints FINAL") == 2
    assert _count(migrated, "fingerprints FINAL", "fingerprint_id = 'old'") == 0
    assert _count(migrated, "fingerprints FINAL", "last_seen > now() - INTERVAL 2 DAY") == 2
