"""Seen ids: exact within the window, forgotten after it, within bounds, and never a duplicate of themselves."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.bloom import Bloom, Hashes, masks_of
from streams.load import Wanted, moments_of
from streams.memory import Bounds, Memory
from streams.older import BITS, LONGEST, PARTS, Older
from streams.recent import array_of
from streams.seen import digest

DAY = 86_400_000
NOW = 1_800_000_000_000


def ids(*names: object) -> list[bytes]:
    return [digest("shop", str(name)) for name in names]


def hashes(number: int, seed: int = 1) -> Hashes:
    return np.random.default_rng(seed).integers(0, 1 << 64, number, dtype=np.uint64)


class Partition:
    """A memory as the agent uses it, over a log and a store that are plain lists; the store is as far as it is told."""

    def __init__(self, recent: int = 1 << 20) -> None:
        self.recent = recent
        self.log: list[tuple[list[bytes], int]] = []
        self.stored = 0
        self.asked: list[bytes] = []
        self.restart(0)

    def restart(self, now: int) -> None:
        """A new memory: from the store what is stored within the window, then the log from there."""
        self.memory = Memory(DAY, Bounds(self.recent))
        self.memory.turn(now)
        self.memory.stored = self.stored
        moments = moments_of(now - DAY, DAY)
        older = [(one, at) for own, at in self.log[: self.stored] if at >= now - DAY for one in own]
        for part in range(PARTS):
            of_part = [
                one for one, at in older if moments[part] <= at and (part == PARTS - 1 or at < moments[part + 1])
            ]
            [made] = self.memory.older.reserve([(len(of_part), moments[part], moments[part + 1])])
            made.add(array_of(of_part)[:, 0])
        for offset, (own, at) in list(enumerate(self.log))[self.stored :]:
            self.memory.written(offset, 0, own, at)
            self.memory.delivered(offset, offset)

    def refine(self, sent: list[bytes], now: int) -> list[bytes]:
        """What is kept of a record."""
        self.memory.turn(now)
        looked = self.memory.look(array_of(sent))
        known = {one for one, is_known in zip(sent, looked.known, strict=True) if is_known}
        doubtful = {one for one, is_doubtful in zip(sent, looked.doubtful, strict=True) if is_doubtful}
        self.asked += doubtful
        offset = len(self.log)
        known |= doubtful & {one for own, _ in self.log[: self.stored] for one in own}
        kept = [one for one, fresh in zip(sent, self.memory.unseen(offset, sent, known), strict=True) if fresh]
        self.log.append((kept, now))
        self.memory.written(offset, 0, kept, now)
        self.memory.delivered(offset, offset)
        return kept

    def store(self) -> None:
        """The sink catches up."""
        self.stored = len(self.log)
        self.memory.stored = self.stored
        self.memory.trim(self.recent // 2)


steps = st.lists(
    st.one_of(
        st.lists(st.integers(0, 40), min_size=1, max_size=12),
        st.sampled_from(["store", "restart"]),
        st.integers(1, DAY // 3).map(float),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(steps, st.sampled_from([4, 40, 1000]))
def test_it_keeps_what_a_plain_set_would_whatever_is_stored_restarted_or_waited_for(
    steps: list[list[int] | str | float], recent: int
) -> None:
    partition, now, first = Partition(recent), NOW, dict[bytes, int]()
    for step in steps:
        if isinstance(step, float):
            now += int(step)
        elif step == "store":
            partition.store()
        elif step == "restart":
            partition.restart(now)
        elif isinstance(step, list):
            kept = set(partition.refine(ids(*step), now))
            for one in set(ids(*step)):
                within = one in first and now - first[one] <= DAY
                long_gone = one not in first or now - first[one] > DAY * (1 + (LONGEST + 1) / PARTS)
                assert not (within and one in kept), "kept twice"
                assert not (one not in first and one not in kept), "lost"
                if one in kept:
                    assert long_gone or now - first[one] > DAY
                    first[one] = now


def test_what_is_remembered_exactly_is_never_asked_of_the_store() -> None:
    partition = Partition()
    for begin in range(0, 400_000, 5_000):
        partition.refine(ids(*range(begin, begin + 5_000)), NOW + begin)
    assert partition.refine(ids(*range(395_000, 405_000)), NOW + 400_000) == ids(*range(400_000, 405_000))
    assert len(partition.memory.older) > 0
    assert not partition.asked


def test_only_what_is_stored_leaves_and_then_the_store_is_asked() -> None:
    partition = Partition(recent=100)
    for begin in range(0, 1_000, 20):
        partition.refine(ids(*range(begin, begin + 20)), NOW)
    assert partition.memory.exact == 1_000
    partition.store()
    assert partition.memory.exact <= 50
    assert partition.refine(ids(3, 999, "new"), NOW) == ids("new")
    assert ids(3)[0] in partition.asked
    assert ids(999)[0] not in partition.asked


def test_ids_of_two_sites_are_two() -> None:
    assert len({digest("a", "bc"), digest("ab", "c"), digest("a", "b\0c")}) == 3


def test_only_the_first_of_several_is_unseen() -> None:
    memory = Memory(DAY)
    assert memory.unseen(1, ids("a", "b", "a", "a")) == [True, True, False, False]
    memory.written(1, 0, ids("a", "b"), NOW)
    assert memory.unseen(2, ids("b", "c")) == [False, True]


def test_ids_of_an_older_log_are_doubtful_for_as_long_as_the_window() -> None:
    elsewhere, memory = Older(DAY, lambda: 1 << 20), Memory(DAY)
    [made] = elsewhere.reserve([(1, NOW - 1000, NOW)])
    made.add(array_of(ids("old"))[:, 0])
    memory.elsewhere = elsewhere
    looked = memory.look(array_of(ids("old", "new")))
    assert (looked.known.tolist(), looked.doubtful.tolist()) == ([False, False], [True, False])
    elsewhere.expire(NOW + DAY)
    assert memory.look(array_of(ids("old"))).doubtful.all()
    elsewhere.expire(NOW + DAY + 1)
    assert not memory.look(array_of(ids("old"))).doubtful.any()


def test_a_log_from_the_future_makes_nothing_be_forgotten_early() -> None:
    memory = Memory(DAY, Bounds(recent=8))
    memory.turn(NOW)
    for offset, at in enumerate((NOW, NOW + 30 * DAY, NOW + 1)):
        memory.written(offset, 0, ids(offset), at)
        memory.delivered(offset, offset)
    memory.turn(NOW + DAY)
    assert memory.look(array_of(ids(0, 1, 2))).known.all()
    memory.turn(NOW + 2 * DAY)
    assert not memory.look(array_of(ids(0, 1, 2))).known.any()


def test_the_last_record_is_no_duplicate_of_itself_and_only_its_missing_parts_are_written() -> None:
    memory = Memory(DAY)
    memory.written(4, 0, ids("a"), NOW)
    memory.written(5, 0, ids("b"), NOW)
    memory.written(5, 1, ids("c"), NOW)
    assert memory.first_part(4) is None
    assert memory.first_part(5) == 2
    assert memory.unseen(5, ids("a", "b", "c"), set(ids("b"))) == [False, True, True]
    assert [memory.is_own(5, one) for one in ids("a", "b", "c")] == [False, True, True]
    assert memory.unseen(6, ids("b")) == [False]
    assert memory.first_part(6) == 0


def test_reading_on_begins_after_ones_own_records_unless_others_lie_between() -> None:
    memory = Memory(DAY)
    memory.position = 10
    memory.delivered(10, 14)
    assert memory.position == 15
    memory.delivered(15, 18, is_whole=False)
    memory.delivered(20, 21)
    assert memory.position == 15


def test_an_id_whose_record_bears_an_old_time_is_remembered_from_when_it_came() -> None:
    memory = Memory(DAY, Bounds(recent=8))
    memory.turn(NOW)
    memory.written(1, 0, ids("a"), NOW)
    memory.turn(NOW)
    memory.written(2, 0, ids("old"), NOW - 5 * DAY)
    memory.delivered(1, 2)
    memory.turn(NOW + 1000)
    assert memory.look(array_of(ids("old"))).known.all()


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 3_000), st.integers(1, 60), st.integers(0, 6), st.integers(0, 99))
def test_a_filter_never_denies_what_it_holds(number: int, bits: int, folds: int, seed: int) -> None:
    held, made = hashes(number, seed), Bloom(number, bits)
    made.add(held)
    for _ in range(folds):
        if made.can_fold:
            made.fold()
    assert made.holds(held, masks_of(held)).all()


def test_a_filter_seldom_claims_what_it_does_not_hold() -> None:
    held, others = hashes(100_000), hashes(200_000, seed=2)
    made = Bloom(len(held), BITS)
    made.add(held)
    assert made.holds(others, masks_of(others)).mean() < 0.0003
    made.fold()
    assert made.holds(others, masks_of(others)).mean() < 0.006


def test_filters_grow_with_the_stream_and_stay_within_their_memory() -> None:
    made, most = Older(DAY, lambda: 2_000_000), 0
    for number in range(3_000):
        at = NOW + number * DAY // 1_000
        made.add(np.sort(hashes(500, seed=number)), at, at)
        made.expire(at)
        most = max(most, made.nbytes)
    assert most <= 2_000_000
    assert 500_000 <= len(made) <= 500_000 * (1 + (LONGEST + 1) / PARTS)
    recent = hashes(500, seed=2_001)
    assert made.holds(recent)[0].all()


def test_an_id_takes_less_memory_than_is_published() -> None:
    """Both figures stand in docs/semantics.md."""
    wide, narrow = Older(DAY, lambda: 1 << 30), Older(DAY, lambda: 1_650_000)
    for made in (wide, narrow):
        for number in range(400):
            at = NOW + number * DAY // 400
            made.add(np.sort(hashes(2_500, seed=number)), at, at)
    assert wide.nbytes / len(wide) < 4.2
    assert narrow.nbytes / len(narrow) < 1.7


def test_the_parts_of_the_window_begin_where_the_log_says() -> None:
    wanted = Wanted(["log"], 3, moments_of(0, 800), [0, 5, 5, 5, 9])
    asked = wanted.parameters()
    assert asked["moments"] == list(range(0, 800, 100))
    assert (asked["places"], asked["numbers"], asked["own"]) == ([0, 5, 9], [0, 3, 4], True)
