"""What makes somebody a member of a cohort, as clients send it: `{"did": {"event": "purchase"}, "within": "30d"}`."""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from api.problems import BadParameter
from api.query.happening import HappeningForm
from api.query.span import PERIOD, length, moment
from api.query.word import Moment
from clickhouse.reports.cohort import MOST_TIMES, All, Any, Did, Listed, Members, Without

MOST_PARTS = 50

Long = Annotated[str, StringConstraints(pattern=PERIOD)]
Parts = Annotated[list["MembersForm"], Field(min_length=1, max_length=MOST_PARTS)]


class MembersForm(BaseModel):
    """One of: who `did` something, who is on the list (`listed`), who is in another `cohort`, `and`, `or`, `not` of such."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    did: HappeningForm | None = Field(
        None, description="Who did this: an event of a name, or of any, that passes a filter."
    )
    at_least: int = Field(1, ge=1, le=MOST_TIMES, description="How often at least.")
    at_most: int | None = Field(None, ge=1, le=MOST_TIMES, description="How often at most; no limit if missing.")
    first: bool = Field(False, description="Only the very first time counts, in all of the site's history.")
    within: Long | None = Field(
        None, description="In how long a time, ending `ago` before now, such as `30d`. All history if missing."
    )
    ago: Long | None = Field(None, description="How long ago that time ended; it ends now if missing.")
    start_date: Moment | None = Field(None, description="Or the first moment of the time: ms, ISO 8601 or a date.")
    end_date: Moment | None = Field(None, description="And the one after its last; a date is in whole.")
    listed: Literal[True] | None = Field(None, description="Who was put on the list of this cohort.")
    cohort: Annotated[str, StringConstraints(max_length=64)] | None = Field(None, description="Who is in that cohort.")
    all_of: Parts | None = Field(None, alias="and", description="Who is in all of these.")
    any_of: Parts | None = Field(None, alias="or", description="Who is in at least one of these.")
    none_of: "MembersForm | None" = Field(None, alias="not", description="Who is not in there.")

    @model_validator(mode="after")
    def _is_one(self) -> "MembersForm":
        ways = ("did", "listed", "cohort", "all_of", "any_of", "none_of")
        if sum(getattr(self, way) is not None for way in ways) != 1:
            raise ValueError("must be exactly one of did, listed, cohort, and, or, not")
        beside = {"at_least", "at_most", "first", "within", "ago", "start_date", "end_date"} & self.model_fields_set
        if self.did is None and beside:
            raise ValueError(f"{', '.join(sorted(beside))} goes with did alone")
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError("at_most is less than at_least")
        if self.first and (self.at_least > 1 or self.at_most is not None):
            raise ValueError("first is one time: it goes neither with at_least nor with at_most")
        if (self.within or self.ago) and (self.start_date or self.end_date):
            raise ValueError("name the time by within and ago, or by start_date and end_date")
        return self


Other = Callable[[str], Members]
"""The members of another cohort by its id; raises BadParameter."""


def members_of(form: MembersForm, own_id: str, zone: ZoneInfo, now: int, other: Other) -> Members:
    """Who is meant at this moment; raises BadParameter for a time that is none."""
    if form.did is not None:
        since, until = _time(form, zone, now)
        return Did(form.did.happening, since, until, form.at_least, form.at_most or 0, form.first)
    if form.listed:
        return Listed(own_id)
    if form.cohort is not None:
        return other(form.cohort)
    if form.none_of is not None:
        return Without(members_of(form.none_of, own_id, zone, now, other))
    joined, parts = (All, form.all_of) if form.all_of is not None else (Any, form.any_of)
    return joined(tuple(members_of(part, own_id, zone, now, other) for part in parts or ()))


def parts_of(form: MembersForm) -> int:
    """How many parts a definition has."""
    inner = [*(form.all_of or ()), *(form.any_of or ()), *([form.none_of] if form.none_of else [])]
    return 1 + sum(map(parts_of, inner))


def named_in(form: MembersForm) -> set[str]:
    """The ids of the cohorts that a definition names, also in its filters."""
    return ids_in(form.model_dump(by_alias=True))


def ids_in(form: object) -> set[str]:
    """The ids of all cohorts that are named anywhere in a request."""
    if isinstance(form, Mapping):
        own = {form["cohort"]} if isinstance(form.get("cohort"), str) else set()
        return own.union(*(ids_in(part) for part in form.values()))
    if isinstance(form, list | tuple):
        return set().union(*(ids_in(part) for part in form))
    return set()


def _time(form: MembersForm, zone: ZoneInfo, now: int) -> tuple[int, int]:
    until = now - (length(form.ago) if form.ago else 0)
    if form.end_date is not None:
        until = min(moment("end_date", form.end_date, zone, is_end=True), now)
    since = max(until - length(form.within), 0) if form.within else 0
    if form.start_date is not None:
        since = moment("start_date", form.start_date, zone)
    if since > until:
        raise BadParameter("start_date", "lies after the end")
    return since, until
