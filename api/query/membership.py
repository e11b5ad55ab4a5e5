"""Which cohorts a question names, and what they are at this moment."""

from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from api.control.model import CohortRecord, Site
from api.control.store import Store
from api.problems import BadParameter
from api.query.cohortform import MembersForm, members_of, named_in, parts_of
from api.query.parts import Parts
from clickhouse.reports.cohort import Cohort, Members

DEEPEST = 5
"""How far cohorts may stand on others."""
MOST_PARTS = 100
"""Of how many parts a cohort may be made, those of the cohorts it names put in."""

Records = Mapping[str, CohortRecord]


async def cohorts_of(parts: Parts, site: Site, ids: Iterable[str], now: int) -> dict[str, Cohort]:
    """The cohorts of some ids and those that they stand on; ids of none are left out. Raises BadParameter for a circle."""
    wanted = set(ids)
    if not wanted:
        return {}
    records = await parts.stored(lambda store: loaded(store, site.id, wanted))
    people = (await parts.people.of(site.id)).people
    return {each: cohort_of(records, each, ZoneInfo(site.timezone), now, people) for each in records}


def loaded(store: Store, site_id: str, ids: set[str]) -> dict[str, CohortRecord]:
    """The records of some ids and of those that they name, and so on."""
    found: dict[str, CohortRecord] = {}
    while missing := ids - set(found):
        new = {record.id: record for record in store.cohorts.of_site(site_id, sorted(missing))}
        found |= new
        ids = set().union(*(named_in(form_of(record)) for record in new.values()))
    return found


def cohort_of(records: Records, cohort_id: str, zone: ZoneInfo, now: int, people: str = "") -> Cohort:
    """A cohort as it is at a moment; raises BadParameter where it stands on itself, on one of others than its own kind, or on too much."""
    depth_of(records, cohort_id, (), {})
    record = records[cohort_id]
    members = _Expansion(records, record.of, zone, now).members(record)
    return Cohort(record.site, record.of, members, people)  # type: ignore[arg-type]


def standing_on(records: Records, cohort_id: str) -> set[str]:
    """Which of some cohorts name one, or one that does, and so on."""
    names = {each: named_in(form_of(record)) for each, record in records.items()}
    found: set[str] = set()
    while new := {each for each, named in names.items() if named & ({cohort_id} | found)} - found - {cohort_id}:
        found |= new
    return found


def refusal(records: Records, cohort_id: str) -> str:
    """Why a cohort cannot be asked, empty where it can."""
    try:
        cohort_of(records, cohort_id, ZoneInfo("UTC"), 0)
    except BadParameter as error:
        return error.fault.reason
    return ""


def depth_of(records: Records, cohort_id: str, above: tuple[str, ...], known: dict[str, int]) -> int:
    """On how many others, one on the other, a cohort stands; raises BadParameter for a circle, or if they are too many."""
    if cohort_id in above:
        raise BadParameter("definition", f"the cohort {cohort_id} refers to itself: {' → '.join((*above, cohort_id))}")
    if cohort_id not in known:
        names = named_in(form_of(records[cohort_id])) if cohort_id in records else set()
        below = [depth_of(records, name, (*above, cohort_id), known) for name in sorted(names)]
        known[cohort_id] = 1 + max(below, default=0)
    if known[cohort_id] > DEEPEST:
        raise BadParameter("definition", f"cohorts stand on others more than {DEEPEST} deep")
    return known[cohort_id]


def form_of(record: CohortRecord) -> MembersForm:
    """The definition of a record."""
    return MembersForm.model_validate(record.definition)


class _Expansion:
    """One cohort with all that it stands on put in, of at most so many parts."""

    def __init__(self, records: Records, of: str, zone: ZoneInfo, now: int) -> None:
        self._records = records
        self._of = of
        self._zone = zone
        self._now = now
        self._parts = 0

    def members(self, record: CohortRecord) -> Members:
        form = form_of(record)
        self._parts += parts_of(form)
        if self._parts > MOST_PARTS:
            raise BadParameter("definition", f"has more than {MOST_PARTS} parts, with those of the cohorts it names")
        return members_of(form, record.id, self._zone, self._now, self._other)

    def _other(self, name: str) -> Members:
        found = self._records.get(name)
        if found is None:
            raise BadParameter("definition", f"there is no cohort {name!r}")
        if found.of != self._of:
            raise BadParameter("definition", f"the cohort {name} is one of {found.of}, this one of {self._of}")
        return self.members(found)
