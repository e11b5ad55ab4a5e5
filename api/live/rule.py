"""Which events a client wants."""

from dataclasses import dataclass

from api.live.event import Shown, property_of

LOW = "low"
"""The band of an event of which nothing was told, as in reports."""


@dataclass(frozen=True)
class Rule:
    """A filter: names, pages (`/docs/*` begins so), countries, bots, bands of risk and the least risk, one property. Clients of equal ones share what is sent."""

    events: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    bot: bool | None = None
    property: tuple[str, str] | None = None
    bands: tuple[str, ...] = ()
    least_risk: int = 0

    def fits(self, event: Shown) -> bool:
        """Whether an event passes."""
        return (
            (not self.events or event.event in self.events)
            and (not self.countries or event.country in self.countries)
            and (self.bot is None or event.bot is self.bot)
            and event.risk >= self.least_risk
            and (not self.bands or (event.risk_band or LOW) in self.bands)
            and (not self.paths or any(_is_below(event.path, path) for path in self.paths))
            and (self.property is None or property_of(event, self.property[0]) == self.property[1])
        )


EVERYTHING = Rule()


def _is_below(path: str, wanted: str) -> bool:
    return path.startswith(wanted[:-1]) if wanted.endswith("*") else path == wanted
