"""Numbers that somebody has, each as a bit of one integer, or of a few where there are many: they are put together by OR."""

from collections.abc import Iterable
from dataclasses import dataclass

WIDTHS = (64, 128, 256)


@dataclass(frozen=True)
class Marks:
    """The numbers from 0 to `last`. In a statement the integers are `w0`, `w1`, … of a row and `m0`, `m1`, … of whom they are of."""

    last: int

    @property
    def width(self) -> int:
        """The bits of each integer."""
        return next((width for width in WIDTHS if self.last < width), WIDTHS[-1])

    @property
    def count(self) -> int:
        """How many integers."""
        return self.last // self.width + 1

    def of_number(self, number: str) -> str:
        """The columns of a row that has one number, told by an expression."""
        if self.count == 1:
            return f"{self._bit(number)} AS w0"
        words = (
            f"if(intDiv({number}, {self.width}) = {n}, {self._bit(f'{number} % {self.width}')}, {self._none}) AS w{n}"
            for n in range(self.count)
        )
        return ", ".join(words)

    def of_conditions(self, found: Iterable[tuple[int, str]]) -> str:
        """The columns of a row that has each number whose condition is true."""
        words = [self._none] * self.count
        for number, condition in found:
            n, bit = divmod(number, self.width)
            has = f"if({condition}, {self._bit(str(bit))}, {self._none})"
            words[n] = has if words[n] == self._none else f"bitOr({words[n]}, {has})"
        return ", ".join(f"{word} AS w{n}" for n, word in enumerate(words))

    def merged(self, into: str) -> str:
        """The columns of many rows put together, under names that begin with a letter."""
        return ", ".join(f"groupBitOr(marked.w{n}) AS {into}{n}" for n in range(self.count))

    @property
    def words(self) -> str:
        """The columns of a row."""
        return ", ".join(f"w{n}" for n in range(self.count))

    @property
    def names(self) -> str:
        """The columns of somebody."""
        return ", ".join(f"m{n}" for n in range(self.count))

    @property
    def numbers(self) -> str:
        """The numbers that somebody has, ascending."""
        parts = [f"arrayMap(p -> toUInt16(p + {n * self.width}), bitPositionsToArray(m{n}))" for n in range(self.count)]
        return parts[0] if len(parts) == 1 else f"arrayConcat({', '.join(parts)})"

    @property
    def _none(self) -> str:
        return f"toUInt{self.width}(0)"

    def _bit(self, number: str) -> str:
        return f"bitShiftLeft(toUInt{self.width}(1), {number})"
