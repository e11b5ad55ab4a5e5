"""Whether exactly what was answered 202 is stored, without anybody holding all ids: block by block of counters."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bench.load.answers import ACCEPTED, SENT

BLOCK = 100_000
"""Counters of a block, about."""

QUERIES = Path(__file__).parent / "queries"
BLOCKS = (QUERIES / "blocks.sql").read_text()
COUNTERS = (QUERIES / "counters.sql").read_text()

States = npt.NDArray[np.uint8]


class Block(NamedTuple):
    """What is stored of a block."""

    rows: int
    ids: int
    total: int


class Proof(NamedTuple):
    """What a comparison found, in events.

    `doubted` are stored without having been answered 202: their answer was lost or another, which allows both.
    """

    accepted: int = 0
    stored: int = 0
    missing: int = 0
    doubled: int = 0
    foreign: int = 0
    doubted: int = 0

    @property
    def is_exact(self) -> bool:
        """Whether all that was accepted is stored once, and nothing that was never sent is."""
        return not (self.missing or self.doubled or self.foreign)


def block_size(size: int) -> int:
    """The counters of a block such that no request of so many events spans two."""
    return max(BLOCK // size, 1) * size


def compare(states: States, size: int, stored: Mapping[int, Block], ids_of: Callable[[int], Iterable[int]]) -> Proof:
    """What became of a stream's requests, against what is stored of its blocks.

    A block whose every request was accepted is proven by its count, its distinct count and its sum; of any other the
    ids are asked for.
    """
    span = block_size(size) // size
    blocks = {number: states[number * span : (number + 1) * span] for number in range(-(-len(states) // span))}
    proof = Proof()
    for number in sorted(blocks.keys() | stored.keys()):
        part = blocks.get(number, states[:0])
        found = stored.get(number, Block(0, 0, 0))
        proof = _sum(proof, _whole(part, size, found) or _by_ids(part, size, list(ids_of(number))))
    return proof


def _whole(part: States, size: int, found: Block) -> Proof | None:
    if bool((part == SENT).any()):
        return None
    accepted = np.flatnonzero(part == ACCEPTED)
    total = int(accepted.sum()) * size * size + len(accepted) * size * (size - 1) // 2
    if found != Block(len(accepted) * size, len(accepted) * size, total):
        return None
    return Proof(accepted=found.rows, stored=found.rows)


def _by_ids(part: States, size: int, found: list[int]) -> Proof:
    counted = np.bincount(np.asarray(found, np.int64), minlength=block_size(size))
    state = np.zeros(block_size(size), np.uint8)
    state[: len(part) * size] = np.repeat(part, size)
    accepted = state == ACCEPTED
    return Proof(
        accepted=int(accepted.sum()),
        stored=len(found),
        missing=int((counted[accepted] == 0).sum()),
        doubled=int((counted > 1).sum()),
        foreign=int((counted[state == 0] > 0).sum()),
        doubted=int((counted[state == SENT] > 0).sum()),
    )


def _sum(one: Proof, other: Proof) -> Proof:
    return Proof(*(a + b for a, b in zip(one, other, strict=True)))


def states_in(file: Path) -> States:
    """What became of each request, as the load generator has written it."""
    with np.load(file) as kept:
        states: States = kept["states"]
        return states


def prove(ask: Callable[..., list[list[int]]], file: Path, size: int, stream: int, but: str = "") -> Proof:
    """Compare a load's answers with the store; `ask` runs a query with parameters. Rows of the site `but` do not count."""
    given = {"block": block_size(size), "stream": stream, "but": but}
    stored = {block: Block(rows, ids, total) for block, rows, ids, total in ask(BLOCKS, **given)}
    return compare(
        states_in(file), size, stored, lambda number: (row[0] for row in ask(COUNTERS, **given, part=number))
    )


def together(proofs: Iterable[Proof]) -> Proof:
    """Several proofs as one."""
    whole = Proof()
    for each in proofs:
        whole = _sum(whole, each)
    return whole
