"""Periods one after another: hours, days, weeks or months of local time, each with its number."""

from dataclasses import dataclass

from clickhouse.reports.filter import Parameters


@dataclass(frozen=True)
class Grid:
    """Period n, counted from 1, is `begins[n - 1]` ≤ time < `begins[n]`, in ms; the last of the begins ends the last period."""

    begins: tuple[int, ...]

    @property
    def start_ms(self) -> int:
        """The first moment."""
        return self.begins[0]

    @property
    def periods(self) -> int:
        """How many there are."""
        return len(self.begins) - 1

    def number(self, ms: str, bound: Parameters) -> str:
        """The number of the period of a moment as an expression; 0 for what lies before the first."""
        begins = bound.bind(list(self.begins), "Array(Int64)")
        numbers = bound.bind(list(range(1, len(self.begins) + 1)), "Array(UInt16)")
        return f"if({ms} < {self.start_ms:d}, 0, transform(roundDown({ms}, {begins}), {begins}, {numbers}, 0))"
