"""What may happen to somebody: an event of a name, or of any, that passes a filter."""

from dataclasses import dataclass

from clickhouse.reports.filter import NOTHING, Filter, Parameters, sql_of


@dataclass(frozen=True)
class Happening:
    """An event; of any name if `event` is empty."""

    event: str = ""
    filter: Filter = NOTHING

    @property
    def is_anything(self) -> bool:
        """Whether every event is one."""
        return not self.event and self.filter == NOTHING

    def sql(self, bound: Parameters, where: str) -> str:
        """Whether an event is one, as an expression; raises QueryError that says where it cannot be."""
        passes = sql_of(self.filter, bound, f"{where}.filter")
        return f"(event = {bound.bind(self.event, 'String')} AND {passes})" if self.event else passes


ANYTHING = Happening()
