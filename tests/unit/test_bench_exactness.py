"""The proof that exactly what was accepted is stored."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.exactness import Block, Proof, block_size, compare, together
from bench.load.answers import ACCEPTED, SENT, UNSENT
from bench.load.ids import counters, event_id, halves, mix, unmix

SIZE = 50_000


def stored(ids: list[int]) -> dict[int, Block]:
    span = block_size(SIZE)
    found = {}
    for block in {n // span for n in ids}:
        own = [n % span for n in ids if n // span == block]
        found[block] = Block(len(own), len(set(own)), sum(own))
    return found


def compared(states: list[int], ids: list[int]) -> Proof:
    span = block_size(SIZE)
    asked: list[int] = []

    def ids_of(block: int) -> list[int]:
        asked.append(block)
        return [n % span for n in ids if n // span == block]

    return compare(np.array(states, np.uint8), SIZE, stored(ids), ids_of)


def requests(*numbers: int) -> list[int]:
    return [id for number in numbers for id in range(number * SIZE, (number + 1) * SIZE)]


def test_all_that_was_accepted_once_is_exact() -> None:
    proof = compared([ACCEPTED] * 3, requests(0, 1, 2))
    assert proof == Proof(accepted=3 * SIZE, stored=3 * SIZE)
    assert proof.is_exact


def test_one_that_is_missing_and_one_that_is_double_are_both_found() -> None:
    ids = requests(0, 1, 2)
    ids[ids.index(7)] = 8
    proof = compared([ACCEPTED] * 3, ids)
    assert (proof.missing, proof.doubled, proof.foreign) == (1, 1, 0)
    assert not proof.is_exact


def test_a_request_without_an_answer_may_be_stored_or_not() -> None:
    states = [ACCEPTED, SENT, ACCEPTED]
    assert compared(states, requests(0, 2)).is_exact
    proof = compared(states, requests(0, 1, 2))
    assert proof.is_exact
    assert proof.doubted == SIZE
    assert compared(states, requests(0, 1, 1, 2)).doubled == SIZE


def test_what_was_never_sent_is_foreign() -> None:
    assert compared([ACCEPTED, UNSENT], requests(0, 1)).foreign == SIZE
    assert compared([ACCEPTED], requests(0, 5)).foreign == SIZE


def test_a_whole_block_that_is_missing_is_missing() -> None:
    assert compared([ACCEPTED] * 4, requests(0, 1)).missing == 2 * SIZE


def test_proofs_add_up() -> None:
    assert together([Proof(1, 1), Proof(2, 1, missing=1)]) == Proof(3, 2, missing=1)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1))
def test_a_counter_is_found_back(some: list[int]) -> None:
    words = np.array(some, np.uint64)
    assert (unmix(mix(words)) == words).all()


def test_ids_differ_in_both_halves_and_between_streams() -> None:
    some = np.concatenate([counters(stream, 0, 10_000) for stream in (1, 2)])
    upper, lower = halves(some)
    assert len(np.unique(upper)) == len(np.unique(lower)) == 20_000
    assert len(event_id(5)) == 36
