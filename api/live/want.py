"""What a client asks to be sent: the parameters of its address, and which events fit them."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from api.live.position import LONGEST
from api.live.rule import Rule
from api.problems import BadParameter
from api.query.word import Reference
from pulse.alerting.wanted import Country

Kind = Literal["events", "counters", "aggregate", "alerts"]
KINDS: tuple[Kind, ...] = ("events", "counters", "aggregate", "alerts")
MOST_VALUES = 20
Band = Literal["low", "elevated", "high", "critical"]


def _parts(values: Any) -> Any:
    return [part for value in values for part in str(value).split(",")] if isinstance(values, list) else values


Several = Annotated[list[Annotated[str, Field(max_length=2_048)]], Field(max_length=MOST_VALUES)]


class Want(BaseModel):
    """The parameters, by the names that they have in the address."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site_id: Reference | None = Field(None, description="The site; may be left out where the key has one.")
    show: Annotated[list[Kind], BeforeValidator(_parts)] = Field(
        list(KINDS), description="What is sent: `events`, `counters`, `aggregate`, `alerts`; all of it unless said."
    )
    event: Several = Field([], description="Only events of this name; several: of any of them.")
    path: Several = Field([], description="Only events of this page, `/docs/*` of all that begin so; several: of any.")
    country: Annotated[list[Country], Field(max_length=MOST_VALUES)] = Field(
        [], description="Only events of this country, by ISO 3166-1 alpha-2; several: of any."
    )
    bot: bool | None = Field(None, description="Only events of crawlers and other machines, or only of others.")
    risk: Annotated[list[Band], BeforeValidator(_parts)] = Field(
        [], max_length=MOST_VALUES, description="Only events of this band of risk; several: of any of them."
    )
    least_risk: int = Field(0, ge=0, le=100, description="Only events of this risk and above.")
    property: str = Field(
        "", max_length=2_048, description="Only events with a property of this value: `plan=pro`.", pattern="^$|^[^=]+="
    )
    last_id: str = Field("", max_length=LONGEST, description="Go on after this id; also as the header `Last-Event-ID`.")
    token: str = Field("", max_length=4_096, description="A JSON web token, where no header can be set.")
    ticket: str = Field("", max_length=200, description="A ticket, where no header can be set.")

    def rule(self) -> Rule:
        """Which events fit."""
        name, _, value = self.property.partition("=")
        return Rule(
            tuple(sorted(set(self.event))),
            tuple(sorted(set(self.path))),
            tuple(sorted(set(self.country))),
            self.bot,
            (name, value) if name else None,
            tuple(sorted(set(self.risk))),
            self.least_risk,
        )

    def shows(self) -> frozenset[Kind]:
        """The kinds that are sent."""
        return frozenset(self.show)


def want_of(pairs: Iterable[tuple[str, str]]) -> Want:
    """What the parameters of an address ask for; raises BadParameter that names the one that is wrong."""
    several = {"show", "event", "path", "country", "risk"}
    given: dict[str, Any] = {}
    for name, value in pairs:
        if name in several:
            given.setdefault(name, []).append(value)
        else:
            given[name] = value
    try:
        return Want.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadParameter(".".join(map(str, first["loc"][:1])), first["msg"].removeprefix("Value error, ")) from None
